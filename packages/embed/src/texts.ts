/** The element's own words, for people who have never heard of a widget: English, Spanish, Canadian French. */

import type { WidgetError } from "./types.ts";

/** What a loading widget waits for. */
export type Step = "login" | "server" | "offline";

/** Gives the word or sentence of this name. */
export type Texts = (name: string) => string;

/** The columns of the table. */
const LANGUAGES = ["", "en", "es", "fr"];

/** A line each: name, English, Spanish, French. */
const TABLE = `
lang|en|es|fr-CA
loading|Loading …|Cargando…|Chargement…
login|Waiting for your login …|Esperando su inicio de sesión…|En attente de votre connexion…
server|Waiting for the server …|Esperando al servidor…|En attente du serveur…
offline|You are offline. This continues by itself.|No tiene conexión. Esto continúa solo.|Vous êtes hors ligne. Cela continuera tout seul.
failed|This could not be opened.|No se pudo abrir.|L’ouverture a échoué.
ended|Your login has ended. Please log in again.|Su sesión ha terminado. Inicie sesión de nuevo.|Votre session est terminée. Connectez-vous de nouveau.
busy|No connection, or the service is busy. Wait a moment.|Sin conexión, o el servicio está ocupado. Espere un momento.|Pas de connexion, ou le service est occupé. Attendez un moment.
expired|It took too long, or the link has expired.|Tardó demasiado, o el enlace ha caducado.|C’était trop long, ou le lien a expiré.
other|If this repeats, contact support.|Si se repite, contacte con asistencia.|Si cela se répète, contactez le soutien.
retry|Try again|Intentar de nuevo|Réessayer
stalled|Does this still respond?|¿Esto aún responde?|Cela répond-il encore?
`;

/** By a language tag; English for all other languages. */
export function findTexts(tag: string): Texts {
  const column = Math.max(1, LANGUAGES.indexOf(tag.slice(0, 2).toLowerCase()));
  const rows = TABLE.split("\n").map((line) => line.split("|"));
  return (name) => rows.find(([first]) => first === name)?.[column] ?? "";
}

/** The name of the sentence for it. */
export function toReason({ code, status = 0 }: WidgetError): string {
  if (status === 401 || /login|token/.test(code)) return "ended";
  if (/expired|load-timeout/.test(code)) return "expired";
  return code === "network" || status === 429 || status > 501 ? "busy" : "other";
}
