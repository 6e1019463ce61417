/** Prices as this deployment has them: `PRICES` by model, over the default. */
import * as v from 'valibot';
import { DEFAULT_PRICE, type Price } from '../../shared/contract/price.ts';

const microDollars = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000_000));
const pricesSchema = v.record(v.string(), v.strictObject({ computed: microDollars, cached: microDollars }));

type Prices = Readonly<Record<string, Price>>;

// A deployment has one text of prices; tests have several.
const read = new Map<string, Prices>();

/**
 * The price of a model.
 * @throws Error where PRICES cannot be read: nothing is sold at a price that nobody meant
 */
export function priceOfModel(given: string | undefined, model: string): Price {
  const prices = readPrices(given);
  return Object.hasOwn(prices, model) ? prices[model] : DEFAULT_PRICE;
}

function readPrices(given: string | undefined): Prices {
  if (given === undefined || given === '') return {};
  let prices = read.get(given);
  if (prices === undefined) {
    prices = parsePrices(given);
    read.set(given, prices);
  }
  return prices;
}

function parsePrices(given: string): Prices {
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch {
    throw misconfigured('it is not valid JSON');
  }
  // An array would pass for an object without members.
  if (Array.isArray(value)) throw misconfigured('it is an array');
  const result = v.safeParse(pricesSchema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw misconfigured(`${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
}

function misconfigured(how: string): Error {
  return new Error(
    `PRICES must be JSON of the form {"model": {"computed": 50000, "cached": 5}}, whole micro-dollars; ${how}`,
  );
}
