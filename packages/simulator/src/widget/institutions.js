/**
 * The banks that can be connected: MX's two test banks, and made-up ones.
 *
 * Source for the codes `mxbank` and `mx_bank_oauth`: MX, Testing with MX Bank.
 */

const guidOf = (number) => `INS-00000000-0000-4000-8000-00000000000${number}`;

export const INSTITUTIONS = [
  { code: "mxbank", guid: guidOf(1), name: "MX Bank", url: "https://www.mx.com", country: "US" },
  {
    code: "mx_bank_oauth",
    guid: guidOf(2),
    name: "MX Bank (OAuth)",
    url: "https://www.mx.com",
    country: "US",
    isOauth: true,
  },
  {
    code: "alder_credit_union",
    guid: guidOf(3),
    name: "Alder Credit Union",
    url: "https://alder.example",
    country: "US",
  },
  {
    code: "brightwater",
    guid: guidOf(4),
    name: "Brightwater Savings",
    url: "https://brightwater.example",
    country: "US",
  },
  {
    code: "caisse_erable",
    guid: guidOf(5),
    name: "Caisse Érable",
    url: "https://erable.example",
    country: "CA",
  },
  {
    code: "banco_jacaranda",
    guid: guidOf(6),
    name: "Banco Jacaranda",
    url: "https://jacaranda.example",
    country: "MX",
  },
];

export function findInstitution({
  current_institution_code: code,
  current_institution_guid: guid,
}) {
  return INSTITUTIONS.find((institution) => institution.code === code || institution.guid === guid);
}

/** By name, among the countries that were asked for. */
export function searchInstitutions(query, countries = ["US", "CA", "MX"]) {
  const wanted = query.trim().toLowerCase();
  return INSTITUTIONS.filter(
    ({ name, country }) => countries.includes(country) && name.toLowerCase().includes(wanted),
  );
}
