package polywire;

import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.cjk.CJKWidthFilter;
import org.apache.lucene.analysis.core.DecimalDigitFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.TokenFilterFactory;

/** The token filters that the index templates use and the core distribution lacks. */
public final class TokenFilters {
    private TokenFilters() {}

    /** Letters with marks to plain ones. */
    @NamedComponent("asciifolding")
    public static final class AsciiFolding implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream tokens) {
            return new ASCIIFoldingFilter(tokens);
        }

        @Override
        public TokenStream normalize(TokenStream tokens) {
            return new ASCIIFoldingFilter(tokens);
        }
    }

    /** Full-width Latin and half-width Katakana to their usual forms. */
    @NamedComponent("cjk_width")
    public static final class CjkWidth implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream tokens) {
            return new CJKWidthFilter(tokens);
        }

        @Override
        public TokenStream normalize(TokenStream tokens) {
            return new CJKWidthFilter(tokens);
        }
    }

    /** Pairs of Chinese, Japanese and Korean characters. */
    @NamedComponent("cjk_bigram")
    public static final class CjkBigram implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream tokens) {
            return new CJKBigramFilter(tokens);
        }
    }

    /** Digits of all scripts to 0-9. */
    @NamedComponent("decimal_digit")
    public static final class DecimalDigit implements TokenFilterFactory {
        @Override
        public TokenStream create(TokenStream tokens) {
            return new DecimalDigitFilter(tokens);
        }

        @Override
        public TokenStream normalize(TokenStream tokens) {
            return new DecimalDigitFilter(tokens);
        }
    }
}
