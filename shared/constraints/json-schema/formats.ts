/**
 * The string formats that are enforced, as regular expressions of whole values.
 *
 * Each is a subset of what ajv-formats 3 accepts in its full mode, so that nothing generated fails there: times always
 * have a zone and no leap second, letters that may be of either case are as the RFCs print them, host names have no
 * double hyphen, a URI is one with an authority (`scheme://host/...`).
 */

const YEAR = '\\d{4}';
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
// RFC 3339, appendix C: days fit their month, 29 February needs a leap year.
const DATE = `(?:${YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|${LEAP_YEAR}-02-29)`;
const HOUR_MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const TIME = `${HOUR_MINUTE}:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-]${HOUR_MINUTE})`;

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = `(?:${OCTET}\\.){3}${OCTET}`;

const HEX = '[0-9a-fA-F]';
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;

const ALNUM = '[0-9A-Za-z]';
// A label of at most 63 characters.
const LABEL = `${ALNUM}(?:-?${ALNUM}){0,31}`;
const HOST = `(?:${LABEL}\\.)*${LABEL}`;

const ATOM = "[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+";
const EMAIL = `${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}`;

const PATH_CHARACTER = "(?:[0-9A-Za-z._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
const PORT = '(?::\\d{1,5})?';
const URI = `[A-Za-z][0-9A-Za-z+.-]*://${HOST}${PORT}(?:/${PATH_CHARACTER}*)*(?:\\?(?:${PATH_CHARACTER}|[/?])*)?(?:#(?:${PATH_CHARACTER}|[/?])*)?`;

/** A regular expression for whole values and, where the expression leaves it open, the most characters. */
export interface Format {
  readonly source: string;
  readonly maxLength?: number;
}

const DEFINITIONS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ['date', { source: DATE }],
  ['time', { source: TIME }],
  ['date-time', { source: `${DATE}T${TIME}` }],
  ['uuid', { source: UUID }],
  ['ipv4', { source: IPV4 }],
  ['hostname', { source: HOST, maxLength: 253 }],
  ['email', { source: EMAIL }],
  ['uri', { source: URI }],
]);

/** Names of the formats that are enforced. */
export const FORMATS: ReadonlySet<string> = new Set(DEFINITIONS.keys());

/** The definition of one of FORMATS. */
export function formatOf(name: string): Format {
  return DEFINITIONS.get(name) as Format;
}
