"""Presidio's pattern recognisers, with context words and without a language model. NDJSON of strings in, NDJSON of [[type, start, end], ...] out."""

import json
import sys

import spacy
import tldextract.tldextract as tld
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.predefined_recognizers import AbaRoutingRecognizer
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

# The list of suffixes that the package carries: nothing is fetched.
tld.TLD_EXTRACTOR = tld.TLDExtract(suffix_list_urls=())


class Words(NlpEngine):
    """Splits into words; a word is its own lemma."""

    def __init__(self):
        self.nlp = spacy.blank("en")

    def load(self):
        pass

    def is_loaded(self):
        return True

    def process_text(self, text, language):
        doc = self.nlp.make_doc(text)
        lemmas = [token.text.lower() for token in doc]
        return NlpArtifacts([], doc, [token.idx for token in doc], lemmas, self, language)

    def process_batch(self, texts, language, **kwargs):
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word, language):
        return self.nlp.vocab[word].is_stop

    def is_punct(self, word, language):
        return self.nlp.vocab[word].is_punct

    def get_supported_entities(self):
        return []

    def get_supported_languages(self):
        return ["en"]


registry = RecognizerRegistry()
engine = Words()
registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
# Not among its defaults.
registry.add_recognizer(AbaRoutingRecognizer())
registry.recognizers = [one for one in registry.recognizers if "Spacy" not in type(one).__name__]
analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
for line in sys.stdin:
    text = json.loads(line)
    # Offsets of code points become those of UTF-16 units.
    units = [0]
    for sign in text:
        units.append(units[-1] + (2 if ord(sign) > 0xFFFF else 1))
    found = analyzer.analyze(text=text, language="en", score_threshold=0.4)
    print(json.dumps([[one.entity_type, units[one.start], units[one.end]] for one in found]))
