/** The sessions that are measured: which of MX's APIs, and which users. */

export type Scenario = {
  /** For `--only`. */
  name: string;
  title: string;
  apis: readonly ("platform" | "sso")[];
  /** Calls to MX for one session, and how often one has to wait for another. */
  calls: number;
  roundTrips: number;
  isFirstLogin: boolean;
  body: string;
};

const CONNECT = '{"widget_url":{"widget_type":"connect_widget"}}';
const MASTER = '{"widget_url":{"widget_type":"master_widget"}}';

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "connect",
    title: "Connect, known user (v20250224)",
    apis: ["platform"],
    calls: 1,
    roundTrips: 1,
    isFirstLogin: false,
    body: CONNECT,
  },
  {
    name: "sso",
    title: "SSO, known user",
    apis: ["sso"],
    calls: 2,
    roundTrips: 1,
    isFirstLogin: false,
    body: MASTER,
  },
  {
    name: "both",
    title: "Both APIs, known user",
    apis: ["platform", "sso"],
    calls: 3,
    roundTrips: 2,
    isFirstLogin: false,
    body: CONNECT,
  },
  {
    name: "first",
    title: "Connect, first login (v20250224)",
    apis: ["platform"],
    calls: 3,
    roundTrips: 3,
    isFirstLogin: true,
    body: CONNECT,
  },
];
