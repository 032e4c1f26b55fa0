// Keeps the lists up to date. Every page can be read without it.
"use strict";

(() => {
  const light = document.getElementById("live");
  const stories = document.getElementById("stories");
  const alerts = document.getElementById("alerts");
  const page = document.querySelector("[data-page-story]");
  const said = document.getElementById("said");
  const MOST_STORIES = 200;

  const show = (state, text) => {
    light.hidden = false;
    light.dataset.state = state;
    light.querySelector("b").textContent = text;
  };

  // The server has escaped what comes from articles; a template runs no scripts in any case.
  const element = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html.trim();
    return template.content.firstElementChild;
  };

  const put = (list, fresh, there, most) => {
    if (there) there.replaceWith(fresh);
    else list.prepend(fresh);
    fresh.classList.add(there ? "changed" : "fresh");
    while (list.children.length > most) list.lastElementChild.remove();
    soften(fresh);
  };

  const onStory = (story) => {
    if (page && page.dataset.pageStory === story.id && story.html !== undefined) {
      const fresh = story.html && element(story.html);
      if (!fresh || Number(fresh.dataset.version) > Number(page.dataset.version))
        document.getElementById("changed").hidden = false;
    }
    if (!stories || !stories.dataset.live) return;
    const there = stories.querySelector(`[data-story="${CSS.escape(story.id)}"]`);
    if (!story.html || (stories.dataset.live === "deals" && !story.deal)) {
      if (there) there.remove();
      return;
    }
    const fresh = element(story.html);
    if (there && Number(there.dataset.version) >= Number(fresh.dataset.version)) return;
    put(stories, fresh, there, MOST_STORIES);
    document.getElementById("empty").hidden = true;
  };

  const onAlert = (alert) => {
    if (!alerts) return;
    const fresh = element(alert.html);
    const there = alerts.querySelector(`[data-alert="${CSS.escape(alert.id)}"]`);
    if (there && Number(there.dataset.revision) >= Number(fresh.dataset.revision)) return;
    put(alerts, fresh, there, Number(alerts.dataset.most));
    document.getElementById("no-alerts").hidden = true;
    if (alert.kind === "new") said.textContent = `Alert: ${alert.title}`;
  };

  // Too much was missed to catch up on: take the lists from the page as it is now.
  const onReload = async () => {
    if (!stories && !alerts) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const now = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const list of [stories, alerts]) {
      const other = list && now.getElementById(list.id);
      if (other) list.replaceChildren(...other.children);
    }
    soften(document);
  };

  // Times of the last two days in words.
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const soften = (root) => {
    for (const time of root.querySelectorAll("time")) {
      time.title ||= time.textContent;
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      const ago = Math.abs(seconds);
      if (ago < 60) time.textContent = "just now";
      else if (ago < 3600) time.textContent = words.format(Math.round(seconds / 60), "minute");
      else if (ago < 172800) time.textContent = words.format(Math.round(seconds / 3600), "hour");
      else time.textContent = time.title;
    }
  };
  soften(document);
  setInterval(() => soften(document), 30000);

  // A link to an article opens what hides it.
  const openTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const hidden = target && target.querySelector("details");
    if (hidden) hidden.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();

  if (!stories && !alerts && !page) return;
  const events = new EventSource("/events?html=true");
  show("off", "connecting");
  events.onopen = () => show("on", "live");
  events.onerror = () => show("off", "reconnecting");
  events.addEventListener("story", (event) => onStory(JSON.parse(event.data)));
  events.addEventListener("alert", (event) => onAlert(JSON.parse(event.data)));
  events.addEventListener("reload", onReload);
  addEventListener("pagehide", () => events.close());
})();
