/** Made-up money, in dollars. */

export const ACCOUNTS = [
  { guid: "ACT-1", name: "Everyday checking", bank: "Example Bank", balance: 2480.12 },
  { guid: "ACT-2", name: "Rainy day savings", bank: "Example Bank", balance: 11_300 },
  { guid: "ACT-3", name: "Blue card", bank: "MX Bank", balance: -642.5 },
  { guid: "ACT-4", name: "Student loan", bank: "Alder Credit Union", balance: -8210 },
];

export const TRANSACTIONS = [
  { account: "ACT-1", date: "Nov 18", text: "Corner grocery", amount: -54.2 },
  { account: "ACT-1", date: "Nov 15", text: "Salary", amount: 2900 },
  { account: "ACT-3", date: "Nov 14", text: "Rail ticket", amount: -38 },
  { account: "ACT-3", date: "Nov 11", text: "Bookshop", amount: -21.75 },
  { account: "ACT-2", date: "Nov 1", text: "Transfer to savings", amount: 300 },
  { account: "ACT-4", date: "Nov 1", text: "Loan payment", amount: 210 },
];

export const RECURRING = [
  { date: "1st", text: "Rent", amount: -1150 },
  { date: "1st", text: "Loan payment", amount: -210 },
  { date: "15th", text: "Salary", amount: 2900 },
];

export const SPENDING = [
  { name: "Home", amount: 1150, limit: 1800 },
  { name: "Food", amount: 412, limit: 1800 },
  { name: "Travel", amount: 138, limit: 1800 },
  { name: "Fun", amount: 100, limit: 1800 },
];

export const BUDGETS = [
  { name: "Groceries", amount: 310, limit: 450 },
  { name: "Eating out", amount: 102, limit: 120 },
  { name: "Travel", amount: 138, limit: 300 },
];

export const GOALS = [
  { name: "Three months of rent", amount: 2400, limit: 3450 },
  { name: "Bicycle", amount: 380, limit: 600 },
];

export const MONTHS = ["June", "July", "August", "September", "October", "November"];
export const NET_WORTH = [3120, 3380, 3290, 3900, 4410, 4928];

export function toDollars(amount) {
  return amount.toLocaleString("en-US", { style: "currency", currency: "USD" });
}
