"""What the bot says in its own words, in the asker's language. One table; a new language is one more column."""

from typing import Final

_PHRASES: Final[dict[str, dict[str, str]]] = {
    "abstained": {
        "en": "I don't know. I searched {chunks} passages that everyone here may see, and none answers that.",
        "es": "No lo sé. He buscado en {chunks} pasajes que todos aquí pueden ver y ninguno lo responde.",
    },
    "nothing": {
        "en": "I don't know: I have not been taught any document that everyone here may see.",
        "es": "No lo sé: aún no me han enseñado ningún documento que todos aquí puedan ver.",
    },
    "unknown": {
        "en": "I don't know.",
        "es": "No lo sé.",
    },
    "nearest": {
        "en": "The nearest I have: {titles}.",
        "es": "Lo más cercano que tengo: {titles}.",
    },
    "kept": {
        "en": "I have kept your question for the people who look after my documents.",
        "es": "He guardado tu pregunta para quienes cuidan mis documentos.",
    },
    "empty": {
        "en": "What would you like to know? Ask me a question in a sentence.",
        "es": "¿Qué te gustaría saber? Hazme una pregunta en una frase.",
    },
    "long": {
        "en": "That is {given:,} characters; please ask in at most {most:,}.",
        "es": "Son {given:,} caracteres; por favor, pregunta en {most:,} como máximo.",
    },
    "broken": {
        "en": "Something went wrong on my side; it has been recorded. Please ask again.",
        "es": "Algo ha fallado por mi parte y ha quedado registrado. Vuelve a preguntar, por favor.",
    },
    "unsaid": {
        "en": "The language model gave no answer. Please ask again.",
        "es": "El modelo de lenguaje no ha respondido. Vuelve a preguntar, por favor.",
    },
    "extractive": {
        "en": "Quoted from the documents.",
        "es": "Citado de los documentos.",
    },
    "model_down": {
        "en": "The language model is not answering ({reason}), so this is quoted from the documents.",
        "es": "El modelo de lenguaje no responde ({reason}), así que esto está citado de los documentos.",
    },
    "guarded": {
        "en": "What the model wrote was not supported by the documents, so this is quoted from them.",
        "es": "Lo que escribió el modelo no lo respaldan los documentos, así que esto está citado de ellos.",
    },
}


def phrase(key: str, language: str, **values: object) -> str:
    """Return a phrase in this language, in English where there is no translation."""
    forms = _PHRASES[key]
    return forms.get(language, forms["en"]).format(**values)
