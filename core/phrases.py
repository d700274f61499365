"""What the bot says in its own words, in the asker's language: English and Spanish here, any other in `locales`."""

import string
import tomllib
from pathlib import Path
from typing import Final

LOCALES: Final = Path(__file__).parent / "locales"

_PHRASES: Final[dict[str, dict[str, str]]] = {
    "abstained": {
        "en": "I don't know. I searched all that everyone here may see (passages: {chunks}); nothing answers that.",
        "es": "No lo sé. He buscado en todo lo que todos aquí pueden ver (pasajes: {chunks}) y nada lo responde.",
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
    "wordless": {
        "en": "I read words: what would you like to know? Ask me a question in a sentence.",
        "es": "Yo leo palabras: ¿qué te gustaría saber? Hazme una pregunta en una frase.",
    },
    "address": {
        "en": "That is an address. Ask me a question about it; someone who looks after my documents can teach it to me"
        " with `add` and the address.",
        "es": "Eso es una dirección. Hazme una pregunta sobre ella; quien cuida mis documentos puede enseñármela con"
        " `add` y la dirección.",
    },
    "greeting": {
        "en": "Hello! Ask me a question: I answer from the documents that everyone here may see, with the source.",
        "es": "¡Hola! Hazme una pregunta: respondo con los documentos que todos aquí pueden ver, con su fuente.",
    },
    "welcome": {
        "en": "You're welcome. Ask me whenever you need something.",
        "es": "De nada. Pregúntame cuando necesites algo.",
    },
    "probing": {
        "en": "I answer from the documents I was taught, and nothing written to me changes that. How I am told to work"
        " is no secret: it stands in my source code. What would you like to know?",
        "es": "Respondo preguntas con los documentos que me han enseñado, y nada que me escriban cambia eso. Cómo debo"
        " trabajar no es un secreto: está en mi código fuente. ¿Qué te gustaría saber?",
    },
    "abuse": {
        "en": "I am sorry that I was no help. Ask me in a sentence what you need, or ask for a person.",
        "es": "Siento no haber ayudado. Dime en una frase qué necesitas, o pide hablar con una persona.",
    },
    "other_language": {
        "en": "What I have read of this is in Spanish: try asking in Spanish.",
        "es": "Lo que he leído sobre esto está en inglés: prueba a preguntar en inglés.",
    },
    "understood": {
        "en": "Understood as: “{text}”",
        "es": "Lo he entendido así: «{text}»",
    },
    "conflict": {
        "en": "Two documents disagree here: “{newer}” (changed {when}) is newer than “{older}” (changed {before}).",
        "es": "Dos documentos no coinciden aquí: «{newer}» (cambiado {when}) es más reciente que «{older}» ({before}).",
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
    "words_only": {
        "en": "Searched by words only: {reason}",
        "es": "He buscado solo por palabras: {reason}",
    },
    "without_history": {
        "en": "I cannot see what was said before in this conversation right now.",
        "es": "Ahora mismo no puedo ver lo que se dijo antes en esta conversación.",
    },
    "guarded": {
        "en": "What the model wrote was not supported by the documents, so this is quoted from them.",
        "es": "Lo que escribió el modelo no lo respaldan los documentos, así que esto está citado de ellos.",
    },
    "admins_only": {
        "en": "Only admins may use {command}.",
        "es": "Solo los administradores pueden usar {command}.",
    },
    "not_yet": {
        "en": "I cannot do {command} yet: remove the document or add it again instead.",
        "es": "Aún no sé hacer {command}: quita el documento o añádelo de nuevo.",
    },
    "no_document": {
        "en": "There is no document {name!r} that everyone here may see: list docs names them.",
        "es": "No hay ningún documento {name!r} que todos aquí puedan ver: list docs los nombra.",
    },
    "no_documents": {
        "en": "I have no documents that everyone here may see.",
        "es": "No tengo documentos que todos aquí puedan ver.",
    },
    "documents": {
        "en": "Documents that everyone here may see: {n}.",
        "es": "Documentos que todos aquí pueden ver: {n}.",
    },
    "more": {
        "en": "… and {n} more.",
        "es": "… y {n} más.",
    },
    "learned": {
        "en": "Learned {title} (`{document}`, passages: {chunks}) in {seconds} s. Ask me about it.",
        "es": "He aprendido {title} (`{document}`, pasajes: {chunks}) en {seconds} s. Pregúntame.",
    },
    "unchanged": {
        "en": "{title} (`{document}`) is already up to date.",
        "es": "{title} (`{document}`) ya está al día.",
    },
    "queued": {
        "en": "{title} takes longer: I am reading it now and will say here how it ended.",
        "es": "{title} tarda más: lo estoy leyendo y diré aquí cómo ha acabado.",
    },
    "standing": {
        "en": "({stage}; attempt {attempt}, until {until} UTC)",
        "es": "({stage}; intento {attempt}, hasta las {until} UTC)",
    },
    "crawled": {
        "en": "Further pages from there: {pages}; not readable: {failed}.",
        "es": "Otras páginas desde ahí: {pages}; ilegibles: {failed}.",
    },
    "taken_away": {
        "en": "{title} was taken away before I had read it.",
        "es": "{title} se quitó antes de que terminara de leerlo.",
    },
    "default": {
        "en": "Documents for {scope} go to {collection} from now on when no collection is named.",
        "es": "Los documentos para {scope} van desde ahora a {collection} si no se nombra otra colección.",
    },
    "no_thread": {
        "en": "There is no thread here: mention me in the thread that I am to learn and say add this thread.",
        "es": "Aquí no hay hilo: mencióname en el hilo que debo aprender y di añade este hilo.",
    },
    "thread_unread": {
        "en": "I could not read anything in this thread: let me read messages here, or paste the text after add:",
        "es": "No he podido leer nada en este hilo: déjame leer mensajes aquí, o pega el texto tras añade:",
    },
    "not_learned": {
        "en": "I could not learn {title}: {reason}",
        "es": "No he podido aprender {title}: {reason}",
    },
    "revised": {
        "en": "Revision {revision}, changed {when}.",
        "es": "Revisión {revision}, cambiada {when}.",
    },
    "status": {
        "en": "{state} Documents that everyone here may see: {documents}, passages: {chunks}.",
        "es": "{state} Documentos que todos aquí pueden ver: {documents}, pasajes: {chunks}.",
    },
    "well": {"en": "I am well.", "es": "Estoy bien."},
    "troubled": {
        "en": "I answer, but something I stand on is not well; my operators see what.",
        "es": "Respondo, pero algo en lo que me apoyo no va bien; mis operadores ven qué.",
    },
    "not_an_address": {
        "en": "{title} did not come from an address: add the new file or text instead.",
        "es": "{title} no vino de una dirección: añade el archivo o el texto nuevo.",
    },
    "undone": {
        "en": "Taken back: {title} is now {state}. Say undo again to have it as it was.",
        "es": "Deshecho: {title} está ahora {state}. Di deshacer otra vez para dejarlo como estaba.",
    },
    "shared": {
        "en": "{title} is now for {scope}.",
        "es": "{title} es ahora para {scope}.",
    },
    "removed": {
        "en": "{title} is out of every answer; add it again whenever you like.",
        "es": "{title} ya no está en ninguna respuesta; puedes añadirlo de nuevo cuando quieras.",
    },
    "forgotten": {
        "en": "Forgotten: {gone}.",
        "es": "Olvidado: {gone}.",
    },
    "pending": {
        "en": "Still pending: {what}",
        "es": "Aún pendiente: {what}",
    },
    "unprovable": {
        "en": "Not in my hands: {what}",
        "es": "No está en mis manos: {what}",
    },
    "no_gaps": {
        "en": "No question is waiting for an answer.",
        "es": "Ninguna pregunta espera respuesta.",
    },
    "gaps": {
        "en": "Questions without an answer: {n}.",
        "es": "Preguntas sin respuesta: {n}.",
    },
    "nothing_to_approve": {
        "en": "There is no answer here that I remember: ask the question again, then approve.",
        "es": "No recuerdo ninguna respuesta aquí: repite la pregunta y luego aprueba.",
    },
    "approved": {
        "en": "Kept as an example (`{name}`). Approve only what I said or what you wrote yourself: the platform's "
        "terms do not let a model learn from other people's messages without their consent.",
        "es": "Guardado como ejemplo (`{name}`). Aprueba solo lo que dije yo o lo que escribiste tú: las condiciones "
        "de la plataforma no permiten que un modelo aprenda de mensajes ajenos sin consentimiento.",
    },
    "approved_private": {
        "en": "Kept as an example (`{name}`), but said in private, so no voice learns from it. If those who were here "
        "agree: `vocero voice examples consent {name} --by NAME`.",
        "es": "Guardado como ejemplo (`{name}`), pero se dijo en privado: ninguna voz aprende de él. Si están de "
        "acuerdo quienes estaban aquí: `vocero voice examples consent {name} --by NOMBRE`.",
    },
    "settings": {
        "en": "Settings of this channel:",
        "es": "Ajustes de este canal:",
    },
    "setting_mentions": {
        "en": "answer only when I am mentioned, not what is said on in my threads.",
        "es": "responder solo cuando me mencionan, no lo que sigue en mis hilos.",
    },
    "setting_threads": {
        "en": "answer in the thread; off: in the channel itself.",
        "es": "responder en el hilo; off: en el propio canal.",
    },
    "setting_quiet": {
        "en": "what I cannot answer I say to the asker alone.",
        "es": "lo que no sé responder lo digo solo a quien pregunta.",
    },
    "setting_language": {
        "en": "my own words are in this language; auto: in the asker's.",
        "es": "mis propias palabras van en este idioma; auto: en el de quien pregunta.",
    },
    "setting_collections": {
        "en": "answer from these collections only; auto: from all that everyone here may see.",
        "es": "responder solo con estas colecciones; auto: con todo lo que todos aquí pueden ver.",
    },
    "setting_voice": {
        "en": "plain: without the brand voice; auto: in the voice that is live.",
        "es": "plain: sin la voz de la marca; auto: con la voz activa.",
    },
    "setting_stream": {
        "en": "show an answer as it is written; auto: where it serves best.",
        "es": "mostrar la respuesta mientras se escribe; auto: donde mejor conviene.",
    },
    "no_collection": {
        "en": "There is no collection {name} that everyone here may see. There are: {names}.",
        "es": "No hay ninguna colección {name} que todos aquí puedan ver. Hay: {names}.",
    },
    "filled": {
        "en": "{who}, what you asked on {when:%Y-%m-%d} can be answered now: {question}",
        "es": "{who}, lo que preguntaste el {when:%Y-%m-%d} ya tiene respuesta: {question}",
    },
    "too_slow": {
        "en": "It took me too long to answer this, and Slack no longer takes the reply: {command} Ask me here instead.",
        "es": "He tardado demasiado en responder y Slack ya no acepta la respuesta: {command} Pregúntame aquí.",
    },
    "name_channel": {
        "en": "I do not know the channel {name}: type # and choose it from the list.",
        "es": "No conozco el canal {name}: escribe # y elígelo de la lista.",
    },
    "searching": {
        "en": "is searching the documents…",
        "es": "está buscando en los documentos…",
    },
    "writing": {
        "en": "is writing…",
        "es": "está escribiendo…",
    },
    "working": {
        "en": "One moment…",
        "es": "Un momento…",
    },
    "reading_source": {
        "en": "Reading {what}…",
        "es": "Leyendo {what}…",
    },
    "sources": {
        "en": "Sources",
        "es": "Fuentes",
    },
    "helpful": {
        "en": "Helpful",
        "es": "Útil",
    },
    "unhelpful": {
        "en": "Not helpful",
        "es": "No es útil",
    },
    "thanks": {
        "en": "Thank you, noted.",
        "es": "Gracias, anotado.",
    },
    "human": {
        "en": "Ask a human",
        "es": "Preguntar a una persona",
    },
    "called": {
        "en": "{who}, {asker} would like a human's answer to this.",
        "es": "{who}, {asker} quiere que una persona responda a esto.",
    },
    "called_before": {
        "en": "A human has been asked already.",
        "es": "Ya se ha avisado a una persona.",
    },
    "share": {
        "en": "Share in this channel",
        "es": "Compartir en este canal",
    },
    "shared_by": {
        "en": "{who} asked: {question}",
        "es": "{who} preguntó: {question}",
    },
    "confirm": {
        "en": "Shall I {command}? It cannot be taken back by a click.",
        "es": "¿Hago {command}? No se puede deshacer con un clic.",
    },
    "yes": {
        "en": "Yes, do it",
        "es": "Sí, hazlo",
    },
    "no": {
        "en": "No",
        "es": "No",
    },
    "cancelled": {
        "en": "Nothing was changed.",
        "es": "No se ha cambiado nada.",
    },
    "too_late": {
        "en": "That was too long ago: say it again.",
        "es": "Ha pasado demasiado tiempo: dilo otra vez.",
    },
    "not_yours": {
        "en": "Only the person who asked for it may confirm it.",
        "es": "Solo quien lo pidió puede confirmarlo.",
    },
    "outsider": {
        "en": "I only answer members of this workspace.",
        "es": "Solo respondo a los miembros de este espacio de trabajo.",
    },
    "guest": {
        "en": "You are a guest here: ask me in a channel that has documents of its own.",
        "es": "Eres un invitado aquí: pregúntame en un canal que tenga sus propios documentos.",
    },
    "restricted": {
        "en": "Guests or people of another company read here, so I used only this channel's own documents.",
        "es": "Aquí leen invitados o personas de otra empresa; solo he usado los documentos de este canal.",
    },
    "only_file": {
        "en": "I see {names}. To teach it to me say add with the file attached, or ask me a question.",
        "es": "Veo {names}. Para enseñármelo di add con el archivo adjunto, o hazme una pregunta.",
    },
    "unread": {
        "en": "I have not read {names}.",
        "es": "No he leído {names}.",
    },
    "stopped": {
        "en": "Stopped, as you asked.",
        "es": "Parado, como pediste.",
    },
    "no_place": {
        "en": "I could not answer in {channel}: Slack does not let me write there ({reason}). Ask me here instead.",
        "es": "No he podido responderte en {channel}: Slack ya no me deja escribir allí ({reason}). Pregúntame aquí.",
    },
    "down": {
        "en": "I cannot reach my database just now; please ask again in a moment.",
        "es": "Ahora mismo no alcanzo mi base de datos; pregunta de nuevo en un momento.",
    },
    "gave_up": {
        "en": "I tried this several times and could not finish it; it has been recorded. Please ask again later.",
        "es": "Lo he intentado varias veces y no he podido; ha quedado registrado. Pregunta de nuevo más tarde.",
    },
    "limit_user": {
        "en": "You have asked as much as one person may ({most} questions {per}); please ask me again {wait}.",
        "es": "Has preguntado cuanto puede una persona ({most} preguntas {per}); pregúntame de nuevo {wait}.",
    },
    "limit_conversation": {
        "en": "This conversation has had its share ({most} questions {per}); please ask me again {wait}.",
        "es": "Esta conversación ha tenido su parte ({most} preguntas {per}); pregúntame de nuevo {wait}.",
    },
    "limit_channel": {
        "en": "This channel has asked as much as it may ({most} questions {per}); please ask me again {wait}.",
        "es": "Este canal ha preguntado cuanto puede ({most} preguntas {per}); pregúntame de nuevo {wait}.",
    },
    "limit_workspace": {
        "en": "This workspace has asked as much as it may ({most} questions {per}); please ask me again {wait}.",
        "es": "Este espacio ha preguntado cuanto puede ({most} preguntas {per}); pregúntame de nuevo {wait}.",
    },
    "per_second": {
        "en": "a second",
        "es": "por segundo",
    },
    "per_minute": {
        "en": "a minute",
        "es": "por minuto",
    },
    "per_hour": {
        "en": "an hour",
        "es": "por hora",
    },
    "per_day": {
        "en": "a day",
        "es": "por día",
    },
    "in_seconds": {
        "en": "in {n} seconds",
        "es": "dentro de {n} segundos",
    },
    "in_minutes": {
        "en": "in {n} minutes",
        "es": "dentro de {n} minutos",
    },
    "in_hours": {
        "en": "in {n} hours",
        "es": "dentro de {n} horas",
    },
    "home": {
        "en": "Ask me in a channel with @{name}, or write to me here. I answer from these documents or say I can't.",
        "es": "Pregúntame en un canal con @{name}, o escríbeme aquí. Respondo con estos documentos o digo que no sé.",
    },
    "home_recent": {
        "en": "Your recent questions",
        "es": "Tus preguntas recientes",
    },
    "home_privacy": {
        "en": "I keep a conversation for seven days, and no text in my log. Say forget me to have yours deleted.",
        "es": "Guardo la conversación siete días, y ningún texto en mi registro. Di forget me para borrar lo tuyo.",
    },
    "home_admin": {
        "en": "You are an admin: add, remove, gaps and settings work here too; help lists them.",
        "es": "Eres administrador: add, remove, gaps y settings también funcionan aquí; help los explica.",
    },
    "why_wrong": {
        "en": "It is wrong",
        "es": "Es incorrecto",
    },
    "why_outdated": {
        "en": "It is out of date",
        "es": "Está desactualizado",
    },
    "why_missing": {
        "en": "Something is missing",
        "es": "Falta algo",
    },
    "why_unclear": {
        "en": "I do not understand it",
        "es": "No lo entiendo",
    },
    "why_other": {
        "en": "Something else",
        "es": "Otra cosa",
    },
    "send": {
        "en": "Send",
        "es": "Enviar",
    },
    "add_address": {
        "en": "Address of a page or file",
        "es": "Dirección de una página o un archivo",
    },
    "add_text": {
        "en": "Or a text",
        "es": "O un texto",
    },
    "add_title": {
        "en": "Title",
        "es": "Título",
    },
    "add_channel": {
        "en": "Only for the readers of this channel",
        "es": "Solo para quienes leen este canal",
    },
    "home_add": {
        "en": "Teach something",
        "es": "Enseñar algo",
    },
    "home_settings": {
        "en": "Settings of a channel",
        "es": "Ajustes de un canal",
    },
    "home_refresh": {
        "en": "Read again",
        "es": "Leer de nuevo",
    },
    "home_remove": {
        "en": "Remove",
        "es": "Quitar",
    },
    "home_sure": {
        "en": "Are you sure?",
        "es": "¿Seguro?",
    },
    "home_gaps": {
        "en": "Questions without an answer",
        "es": "Preguntas sin respuesta",
    },
    "not_there": {
        "en": "I am not in {channel}: invite me there first.",
        "es": "No estoy en {channel}: invítame primero.",
    },
    "writing_answer": {
        "en": "I am writing the answer…",
        "es": "Estoy escribiendo la respuesta…",
    },
    "why": {
        "en": "What went wrong?",
        "es": "¿Qué ha fallado?",
    },
    "why_label": {
        "en": "What was wrong or missing?",
        "es": "¿Qué estaba mal o faltaba?",
    },
    "follow_up": {
        "en": "Ask a follow-up",
        "es": "Seguir preguntando",
    },
    "follow_up_label": {
        "en": "Your question",
        "es": "Tu pregunta",
    },
    "upload": {
        "en": "Teach files",
        "es": "Enseñar archivos",
    },
    "upload_files": {
        "en": "Text, Markdown, HTML, PDF or DOCX",
        "es": "Texto, Markdown, HTML, PDF o DOCX",
    },
    "back_soon": {
        "en": "I am restarting: your answer comes here as soon as I am back.",
        "es": "Me estoy reiniciando: tu respuesta llega aquí en cuanto vuelva.",
    },
    "restarting": {
        "en": "I am restarting; please ask again in a moment.",
        "es": "Me estoy reiniciando; pregunta de nuevo en un momento.",
    },
    "source_gone": {
        "en": "**[{n}]** is no longer there, or not for you.",
        "es": "**[{n}]** ya no está, o no es para ti.",
    },
    "source_changed": {
        "en": "**[{n}]** {title}: it has changed since; ask again to have what it says now.",
        "es": "**[{n}]** {title}: ha cambiado desde entonces; pregunta de nuevo para saber qué dice ahora.",
    },
    "no_sources": {
        "en": "I no longer know which passages this answer came from: ask again.",
        "es": "Ya no sé de qué pasajes salió esta respuesta: pregunta de nuevo.",
    },
    "go_on": {
        "en": "To go on, mention me, reply to me, or press {button}.",
        "es": "Para seguir, mencióname, respóndeme o pulsa {button}.",
    },
    "unreadable": {
        "en": "Discord does not show me what you wrote there: write it with my name, or press {button}.",
        "es": "Discord no me enseña lo que has escrito ahí: escríbelo con mi nombre, o pulsa {button}.",
    },
    "channel_gone": {
        "en": "The channel where you asked is gone, so I could not answer there: ask me in another one, or here.",
        "es": "El canal donde preguntaste ya no existe y no he podido responderte: pregunta en otro, o aquí.",
    },
    "answered_elsewhere": {
        "en": "I could not show this where you asked, so here it is:",
        "es": "No he podido mostrarlo donde preguntaste, así que aquí está:",
    },
    "no_files": {
        "en": "No file came along: choose at least one.",
        "es": "No ha llegado ningún archivo: elige al menos uno.",
    },
    "file_kind": {
        "en": "{name}: I cannot read .{kind} files. Attach text, Markdown, HTML, PDF or DOCX.",
        "es": "{name}: no sé leer archivos .{kind}. Adjunta texto, Markdown, HTML, PDF o DOCX.",
    },
    "file_large": {
        "en": "{name} is larger than {most} MB: attach it in parts.",
        "es": "{name} ocupa más de {most} MB: adjúntalo por partes.",
    },
    "file_elsewhere": {
        "en": "{name} does not lie at Discord, so I will not fetch it: attach the file itself.",
        "es": "{name} no está en Discord y no lo voy a descargar: adjunta el propio archivo.",
    },
    "file_missing": {
        "en": "Discord did not hand {name} over ({reason}): attach it again.",
        "es": "Discord no me ha entregado {name} ({reason}): adjúntalo de nuevo.",
    },
    "stale": {
        "en": "My commands have changed since: please try again in a minute.",
        "es": "Mis comandos han cambiado: inténtalo de nuevo en un minuto.",
    },
    "no_server": {
        "en": "I share no server with you: ask me where I am a member.",
        "es": "No comparto ningún servidor contigo: pregúntame donde sea miembro.",
    },
    "which_server": {
        "en": "You and I are in several servers ({names}): ask me there, with private if only you should see it.",
        "es": "Estamos juntos en varios servidores ({names}): pregúntame allí, en privado si solo tú debes verlo.",
    },
    "cannot_write": {
        "en": "I am not allowed to write in {channel}: use /ask there, or ask a server admin to let me send messages.",
        "es": "No puedo escribir en {channel}: usa /ask allí, o pide a un administrador que me deje enviar mensajes.",
    },
    "one_source": {
        "en": "Give me one thing to learn: a url, a file or a text.",
        "es": "Dame una sola cosa que aprender: una url, un archivo o un texto.",
    },
    "which_document": {
        "en": "Name the document to forget.",
        "es": "Di qué documento olvidar.",
    },
    "no_channel": {
        "en": "There is no channel here: choose the whole server, or say it in a channel.",
        "es": "Aquí no hay canal: elige todo el servidor, o dilo en un canal.",
    },
    "no_text": {
        "en": "That message has no text that I could read.",
        "es": "Ese mensaje no tiene texto que pueda leer.",
    },
    "managers_only": {
        "en": "Only members who may manage the server can say who edits documents.",
        "es": "Solo quienes pueden gestionar el servidor deciden quién edita los documentos.",
    },
    "editors": {
        "en": "Beside those who manage the server, these roles may edit documents: {roles}",
        "es": "Además de quienes gestionan el servidor, estos roles pueden editar documentos: {roles}",
    },
    "human_called": {
        "en": "I have called a human.",
        "es": "He avisado a una persona.",
    },
    "discord_help": {
        "en": "Mention me, write to me, or use:",
        "es": "Mencióname, escríbeme o usa:",
    },
}


def read_replies(folder: Path = LOCALES) -> dict[str, dict[str, str]]:
    """Return the phrases of further languages; one whose gaps are not those of the English one is left out."""
    found: dict[str, dict[str, str]] = {}
    for file in sorted(folder.glob("*.toml")):
        said = tomllib.loads(file.read_text(encoding="utf-8")).get("replies", {})
        found[file.stem] = {
            key: text for key, text in said.items() if key in _PHRASES and _gaps(text) == _gaps(_PHRASES[key]["en"])
        }
    return found


def _gaps(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        return {text}  # no text at all: a brace too many


_FURTHER: Final = read_replies()


def phrase(key: str, language: str, **values: object) -> str:
    """Return a phrase in this language, in English where there is no translation."""
    forms = _PHRASES[key]
    return (forms.get(language) or _FURTHER.get(language, {}).get(key) or forms["en"]).format(**values)
