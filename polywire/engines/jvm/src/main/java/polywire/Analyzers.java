package polywire;

import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.ar.ArabicAnalyzer;
import org.apache.lucene.analysis.bg.BulgarianAnalyzer;
import org.apache.lucene.analysis.bn.BengaliAnalyzer;
import org.apache.lucene.analysis.br.BrazilianAnalyzer;
import org.apache.lucene.analysis.ca.CatalanAnalyzer;
import org.apache.lucene.analysis.cjk.CJKAnalyzer;
import org.apache.lucene.analysis.ckb.SoraniAnalyzer;
import org.apache.lucene.analysis.cz.CzechAnalyzer;
import org.apache.lucene.analysis.da.DanishAnalyzer;
import org.apache.lucene.analysis.de.GermanAnalyzer;
import org.apache.lucene.analysis.el.GreekAnalyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.es.SpanishAnalyzer;
import org.apache.lucene.analysis.et.EstonianAnalyzer;
import org.apache.lucene.analysis.eu.BasqueAnalyzer;
import org.apache.lucene.analysis.fa.PersianAnalyzer;
import org.apache.lucene.analysis.fi.FinnishAnalyzer;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.ga.IrishAnalyzer;
import org.apache.lucene.analysis.gl.GalicianAnalyzer;
import org.apache.lucene.analysis.hi.HindiAnalyzer;
import org.apache.lucene.analysis.hu.HungarianAnalyzer;
import org.apache.lucene.analysis.hy.ArmenianAnalyzer;
import org.apache.lucene.analysis.id.IndonesianAnalyzer;
import org.apache.lucene.analysis.it.ItalianAnalyzer;
import org.apache.lucene.analysis.lt.LithuanianAnalyzer;
import org.apache.lucene.analysis.lv.LatvianAnalyzer;
import org.apache.lucene.analysis.nl.DutchAnalyzer;
import org.apache.lucene.analysis.no.NorwegianAnalyzer;
import org.apache.lucene.analysis.pt.PortugueseAnalyzer;
import org.apache.lucene.analysis.ro.RomanianAnalyzer;
import org.apache.lucene.analysis.ru.RussianAnalyzer;
import org.apache.lucene.analysis.sr.SerbianAnalyzer;
import org.apache.lucene.analysis.sv.SwedishAnalyzer;
import org.apache.lucene.analysis.th.ThaiAnalyzer;
import org.apache.lucene.analysis.tr.TurkishAnalyzer;
import org.elasticsearch.plugin.NamedComponent;
import org.elasticsearch.plugin.analysis.AnalyzerFactory;

/**
 * The language analysers of Elasticsearch's analysis module, which its core distribution lacks, over the Lucene classes
 * that the core has. Each carries the name the module gives it, so that the production mapping works unchanged.
 */
public final class Analyzers {
    private Analyzers() {}

    /** arabic */
    @NamedComponent("arabic")
    public static final class Arabic implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new ArabicAnalyzer();
        }
    }

    /** armenian */
    @NamedComponent("armenian")
    public static final class Armenian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new ArmenianAnalyzer();
        }
    }

    /** basque */
    @NamedComponent("basque")
    public static final class Basque implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new BasqueAnalyzer();
        }
    }

    /** bengali */
    @NamedComponent("bengali")
    public static final class Bengali implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new BengaliAnalyzer();
        }
    }

    /** brazilian */
    @NamedComponent("brazilian")
    public static final class Brazilian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new BrazilianAnalyzer();
        }
    }

    /** bulgarian */
    @NamedComponent("bulgarian")
    public static final class Bulgarian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new BulgarianAnalyzer();
        }
    }

    /** catalan */
    @NamedComponent("catalan")
    public static final class Catalan implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new CatalanAnalyzer();
        }
    }

    /** cjk */
    @NamedComponent("cjk")
    public static final class Cjk implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new CJKAnalyzer();
        }
    }

    /** czech */
    @NamedComponent("czech")
    public static final class Czech implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new CzechAnalyzer();
        }
    }

    /** danish */
    @NamedComponent("danish")
    public static final class Danish implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new DanishAnalyzer();
        }
    }

    /** dutch */
    @NamedComponent("dutch")
    public static final class Dutch implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new DutchAnalyzer();
        }
    }

    /** english */
    @NamedComponent("english")
    public static final class English implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new EnglishAnalyzer();
        }
    }

    /** estonian */
    @NamedComponent("estonian")
    public static final class Estonian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new EstonianAnalyzer();
        }
    }

    /** finnish */
    @NamedComponent("finnish")
    public static final class Finnish implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new FinnishAnalyzer();
        }
    }

    /** french */
    @NamedComponent("french")
    public static final class French implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new FrenchAnalyzer();
        }
    }

    /** galician */
    @NamedComponent("galician")
    public static final class Galician implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new GalicianAnalyzer();
        }
    }

    /** german */
    @NamedComponent("german")
    public static final class German implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new GermanAnalyzer();
        }
    }

    /** greek */
    @NamedComponent("greek")
    public static final class Greek implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new GreekAnalyzer();
        }
    }

    /** hindi */
    @NamedComponent("hindi")
    public static final class Hindi implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new HindiAnalyzer();
        }
    }

    /** hungarian */
    @NamedComponent("hungarian")
    public static final class Hungarian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new HungarianAnalyzer();
        }
    }

    /** indonesian */
    @NamedComponent("indonesian")
    public static final class Indonesian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new IndonesianAnalyzer();
        }
    }

    /** irish */
    @NamedComponent("irish")
    public static final class Irish implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new IrishAnalyzer();
        }
    }

    /** italian */
    @NamedComponent("italian")
    public static final class Italian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new ItalianAnalyzer();
        }
    }

    /** latvian */
    @NamedComponent("latvian")
    public static final class Latvian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new LatvianAnalyzer();
        }
    }

    /** lithuanian */
    @NamedComponent("lithuanian")
    public static final class Lithuanian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new LithuanianAnalyzer();
        }
    }

    /** norwegian */
    @NamedComponent("norwegian")
    public static final class Norwegian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new NorwegianAnalyzer();
        }
    }

    /** persian */
    @NamedComponent("persian")
    public static final class Persian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new PersianAnalyzer();
        }
    }

    /** portuguese */
    @NamedComponent("portuguese")
    public static final class Portuguese implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new PortugueseAnalyzer();
        }
    }

    /** romanian */
    @NamedComponent("romanian")
    public static final class Romanian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new RomanianAnalyzer();
        }
    }

    /** russian */
    @NamedComponent("russian")
    public static final class Russian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new RussianAnalyzer();
        }
    }

    /** serbian */
    @NamedComponent("serbian")
    public static final class Serbian implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new SerbianAnalyzer();
        }
    }

    /** sorani */
    @NamedComponent("sorani")
    public static final class Sorani implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new SoraniAnalyzer();
        }
    }

    /** spanish */
    @NamedComponent("spanish")
    public static final class Spanish implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new SpanishAnalyzer();
        }
    }

    /** swedish */
    @NamedComponent("swedish")
    public static final class Swedish implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new SwedishAnalyzer();
        }
    }

    /** thai */
    @NamedComponent("thai")
    public static final class Thai implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new ThaiAnalyzer();
        }
    }

    /** turkish */
    @NamedComponent("turkish")
    public static final class Turkish implements AnalyzerFactory {
        @Override
        public Analyzer create() {
            return new TurkishAnalyzer();
        }
    }
}
