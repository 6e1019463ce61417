/** What the fields of bodies mean, by their way from the name of the body. */
export const NOTES: Readonly<Record<string, string>> = {
  'GenerationRequest/model': 'Id of a model; the first of GET /v1/models by default.',
  'GenerationRequest/prompt': 'What the text is about. Soft.',
  'GenerationRequest/style': 'How it sounds, by name; `strength` guides towards it. Soft.',
  'GenerationRequest/template': 'Text with {{holes}}: what is outside comes back byte for byte.',
  'GenerationRequest/holes': 'What must hold of each hole, by its name.',
  'GenerationRequest/length': 'Bounds in tokens, characters (code points), words or sentences; several all hold.',
  'GenerationRequest/include': 'Phrases that must appear.',
  'GenerationRequest/exclude': 'Phrases that must not appear.',
  'GenerationRequest/regex': 'An ECMAScript regular expression that the whole text matches.',
  'GenerationRequest/json_schema':
    'The text is JSON that is valid under this schema. What cannot be enforced is refused by name.',
  'GenerationRequest/choices': 'The text is one of these.',
  'GenerationRequest/choice_probabilities': 'Answer also how likely each choice is.',
  'GenerationRequest/facts': 'Values that must appear verbatim; each also usable as {{fact:name}}.',
  'GenerationRequest/seed':
    'Same request, seed and model revision: same bytes. Without it a random one, which the answer says.',
  'GenerationRequest/n': 'How many texts.',
  'GenerationRequest/temperature': '0: the most likely text. Its default goes with the effort.',
  'GenerationRequest/diffusion': 'How it is denoised; `effort` is all that most requests need.',
  'GenerationRequest/stream':
    'false: one JSON object. "steps": every denoising step. "text": only what can no longer change.',
  'GenerationRequest/cache':
    'Whether an answer may come from the cache and go there; {"ttl": seconds} bounds its age, {"shared": true} shares it with other accounts that share.',
  'PresetRequest/name': 'For people.',
  'PresetRequest/request':
    'As POST /v1/generations has it, without stream, cache, seed and n. {{var:name}} may stand in prompt, template, include, exclude, facts and choices.',
  'PresetRequest/variables': 'What a run says, by name: at most 16, each of which stands in the request.',
  'PresetRequest/variants':
    'Runs take turns with so many seeds, 0, 1, ..., and their answers are kept. Without it each run has a new seed, and nothing is kept.',
  'PresetRequest/daily_limit_micro_dollars': 'Most that its runs may cost in a day (UTC), held and spent.',
  'PresetRequest/visitor_runs_per_minute': 'Of one address; 10 by default. A secret key is no visitor.',
  'PresetRequest/visitor_runs_per_day': 'Of one address, in a day (UTC); 100 by default.',
  'PresetRequest/protection':
    '"origin": pages of the publishable key. "turnstile": sessions opened with a token of Turnstile. "session": sessions that a secret key opened.',
  'PresetRequest/turnstile':
    'With the protection "turnstile": the secret of the site at Turnstile, kept encrypted and never shown.',
  'PresetRunRequest/variables': 'Values by name. They are data: none opens a hole or names a fact.',
  'PresetRunRequest/stream': 'As in POST /v1/generations.',
};
