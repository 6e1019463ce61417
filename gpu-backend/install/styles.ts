/**
 * The styles of an installed instruct model: a sentence said to it for each. The names are those of the model that ships, so that a request
 * can move from one to the other.
 */
import type { Manifest } from '../../shared/contract/manifest.ts';

const INSTRUCTIONS: Readonly<Record<string, string>> = {
  product: 'Write product copy: what it is, what it does for the reader, and one concrete detail.',
  tagline: 'Write a slogan of a few words.',
  meta_description: 'Write one or two sentences that tell a searcher what the page holds.',
  headline: 'Write a headline, without a full stop.',
  sms: 'Write a short text message.',
  email: 'Write an email with a greeting, a reason and a close.',
  support_reply: 'Write a calm reply to a customer: what happened and what to do now.',
  social_post: 'Write a light social media post.',
  faq: 'Answer the question directly, as in a list of frequently asked questions.',
  howto: 'Write instructions, one action at a time.',
  interface: 'Write one line of an application: a label, a hint, an empty state or an error.',
  alt_text: 'Describe plainly what the picture shows.',
  definition: 'Say in plain words what it is.',
  blog: 'Write the opening of a blog article.',
  review_positive: "Write a happy customer's review.",
  review_negative: "Write an unhappy customer's review.",
  restaurant: 'Write a line or two about a place to eat: food, price, area.',
  story: 'Write a small story with people, an event and an end.',
  poem: 'Write verse in short lines.',
  dialogue: 'Write a dialogue of two voices, one line each.',
  encyclopedia: 'Write it as an encyclopedia would.',
  news: 'Write a news report: who, what, when, where.',
  notice_plain: 'Write a public notice in short and easy sentences.',
  notice_formal: 'Write a public notice in formal language.',
};

/** The styles as a manifest lists them. */
export const INSTRUCTED_STYLES: Manifest['styles'] = Object.entries(INSTRUCTIONS).map(([name, instruction]) => ({
  name,
  instruction,
  description: instruction,
}));
