/** A client session: leave for one page to run one preset a few times within minutes, which a server gives it, or Turnstile. */
import * as v from 'valibot';

/** Bounds and defaults of client sessions. */
export const SESSION_LIMITS = {
  leastSeconds: 30,
  mostSeconds: 3_600,
  defaultSeconds: 300,
  mostUses: 1_000,
  defaultUses: 10,
  /** Of what is asked for, with all variables: a session travels in a header. */
  bodyBytes: 6_144,
  /** The most that Turnstile makes. */
  turnstileTokenCharacters: 2_048,
} as const;

const whole = (least: number, most: number) => v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));

/** `POST /v1/client_sessions`: with a secret key all fields but the last, with a publishable key `preset` and `turnstile_token`. */
export const clientSessionSchema = v.strictObject({
  preset: text(100),
  /** The page that may use it, as browsers write it: 'https://shop.example'. */
  origin: v.optional(text(300)),
  expires_in_seconds: v.optional(whole(SESSION_LIMITS.leastSeconds, SESSION_LIMITS.mostSeconds)),
  uses: v.optional(whole(1, SESSION_LIMITS.mostUses)),
  /** Variables of the preset that the page cannot change. */
  variables: v.optional(v.record(v.string(), v.string())),
  turnstile_token: v.optional(text(SESSION_LIMITS.turnstileTokenCharacters)),
});
export type ClientSessionRequest = v.InferOutput<typeof clientSessionSchema>;

export interface ClientSession {
  readonly object: 'client_session';
  /** 'cs_...': what the page sends as `Authorization: Bearer`. */
  readonly client_secret: string;
  /** RFC 3339. */
  readonly expires_at: string;
  readonly uses: number;
}
