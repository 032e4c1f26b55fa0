"""The three Faust apps. All that Faust needs is here; all that decides is in the folders beside."""
