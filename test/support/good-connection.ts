/** What Connect says from its start until "Done" when all goes well, without the prefix. */
export const GOOD_CONNECTION = [
  "load",
  "connect/stepChange",
  "connect/loaded",
  "connect/selectedInstitution",
  "connect/stepChange",
  "connect/enterCredentials",
  "connect/stepChange",
  "connect/memberStatusUpdate",
  "connect/memberStatusUpdate",
  "connect/memberConnected",
  "connect/stepChange",
  "connect/connected/primaryAction",
];
