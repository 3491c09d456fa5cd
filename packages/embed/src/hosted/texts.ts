/** The page's own words, for people who have never heard of a widget. `{name}` is the partner. */

type Words = Record<
  | "askTitle"
  | "ask"
  | "yes"
  | "no"
  | "close"
  | "done"
  | "back"
  | "connected"
  | "connectedText"
  | "closed"
  | "closedText"
  | "error"
  | "errorText"
  | "start"
  | "startText"
  | "bad"
  | "badText",
  string
>;

export type Texts = { lang: string; words: Words };

const en: Words = {
  askTitle: "Did you just start this in the {name} app?",
  ask: "Continue only if you did. If somebody sent you this link, press “No”: what you enter here could end up in another person’s account.",
  yes: "Yes, continue",
  no: "No, go back",
  close: "Close",
  done: "Done",
  back: "Back to the app",
  connected: "Your account is connected.",
  connectedText: "You can go back to the {name} app.",
  closed: "Nothing is open here any more.",
  closedText: "You can go back to the {name} app, or close this page.",
  error: "This could not be opened.",
  errorText:
    "It took too long, or the link has expired or was used before. Go back to the {name} app and start again.",
  start: "Please start in the {name} app.",
  startText: "This page opens once, from the app. It cannot be reloaded.",
  bad: "This link does not work.",
  badText:
    "Go back to the {name} app and start again. If it happens again, contact {name}’s support.",
};

const es: Words = {
  askTitle: "¿Acaba de iniciar esto en la aplicación de {name}?",
  ask: "Continúe solo si lo hizo usted. Si alguien le envió este enlace, pulse «No»: lo que escriba aquí podría acabar en la cuenta de otra persona.",
  yes: "Sí, continuar",
  no: "No, volver",
  close: "Cerrar",
  done: "Listo",
  back: "Volver a la aplicación",
  connected: "Su cuenta está conectada.",
  connectedText: "Puede volver a la aplicación de {name}.",
  closed: "Aquí ya no hay nada abierto.",
  closedText: "Puede volver a la aplicación de {name} o cerrar esta página.",
  error: "No se pudo abrir.",
  errorText:
    "Tardó demasiado, o el enlace ha caducado o ya se usó. Vuelva a la aplicación de {name} y empiece de nuevo.",
  start: "Empiece en la aplicación de {name}.",
  startText: "Esta página se abre una sola vez, desde la aplicación. No se puede recargar.",
  bad: "Este enlace no funciona.",
  badText:
    "Vuelva a la aplicación de {name} y empiece de nuevo. Si se repite, contacte con la asistencia de {name}.",
};

const fr: Words = {
  askTitle: "Venez-vous de commencer ceci dans l’application {name}?",
  ask: "Continuez seulement si c’est le cas. Si quelqu’un vous a envoyé ce lien, appuyez sur « Non » : ce que vous entrez ici pourrait aboutir dans le compte d’une autre personne.",
  yes: "Oui, continuer",
  no: "Non, retourner",
  close: "Fermer",
  done: "Terminé",
  back: "Retourner à l’application",
  connected: "Votre compte est connecté.",
  connectedText: "Vous pouvez retourner à l’application {name}.",
  closed: "Plus rien n’est ouvert ici.",
  closedText: "Vous pouvez retourner à l’application {name} ou fermer cette page.",
  error: "L’ouverture a échoué.",
  errorText:
    "C’était trop long, ou le lien a expiré ou a déjà servi. Retournez à l’application {name} et recommencez.",
  start: "Commencez dans l’application {name}.",
  startText:
    "Cette page s’ouvre une seule fois, à partir de l’application. Elle ne peut pas être rechargée.",
  bad: "Ce lien ne fonctionne pas.",
  badText:
    "Retournez à l’application {name} et recommencez. Si cela se répète, contactez le soutien de {name}.",
};

const LANGUAGES: readonly Texts[] = [
  { lang: "en", words: en },
  { lang: "es", words: es },
  { lang: "fr-CA", words: fr },
];

const ENGLISH: Texts = { lang: "en", words: en };

/** By a language tag; English for all other languages. */
export function findTexts(tag: string): Texts {
  const [language = ""] = tag.toLowerCase().split("-");
  return LANGUAGES.find(({ lang }) => lang.split("-")[0] === language) ?? ENGLISH;
}
