/** The people who can log in at the demo identity provider: invented, with the standard OpenID Connect claims. */

/** Claims by subject. */
export type DemoUsers = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export const DEMO_USERS: DemoUsers = {
  ada: {
    given_name: "Ada",
    family_name: "Birch",
    email: "ada@example.com",
    email_verified: true,
    phone_number: "+18015550101",
    birthdate: "1990-12-10",
    gender: "female",
    address: { postal_code: "84043" },
  },
  grace: {
    given_name: "Grace",
    family_name: "Calder",
    email: "grace@example.com",
    email_verified: true,
    phone_number: "+18015550102",
    birthdate: "1986-12-09",
    gender: "female",
    address: { postal_code: "02139" },
  },
  linus: {
    given_name: "Linus",
    family_name: "Dahl",
    email: "linus@example.com",
    email_verified: false,
    phone_number: "+18015550103",
    birthdate: "1999-02-28",
    gender: "male",
    address: { postal_code: "K1A 0B1" },
  },
};
