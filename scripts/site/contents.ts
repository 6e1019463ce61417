/** What the docs consist of, in the order they are read: files of the project, what each is called, where it stands on the site. */

export interface Leaf {
  /** Below the project: 'docs/api.md'. */
  readonly file: string;
  /** In the contents, and where a link names only the file. */
  readonly label: string;
  /** On the site: '/docs/api/'. */
  readonly address: string;
}

export interface Chapter {
  readonly name: string;
  readonly leaves: readonly Leaf[];
}

const leaf = (name: string, label: string): Leaf => ({ file: `docs/${name}.md`, label, address: `/docs/${name}/` });

export const CHAPTERS: readonly Chapter[] = [
  {
    name: 'Start',
    leaves: [{ file: 'README.md', label: 'Overview', address: '/docs/' }, leaf('examples', 'Examples')],
  },
  {
    name: 'Making text',
    leaves: [
      leaf('api', 'Requests and answers'),
      leaf('constraints', 'Constraint language'),
      leaf('decisions', 'Decisions'),
      leaf('compatibility', 'Clients of OpenAI'),
      leaf('caching', 'Cache and limits'),
    ],
  },
  {
    name: 'On a web page',
    leaves: [leaf('widget', 'Widget'), leaf('presets', 'Presets'), leaf('sessions', 'Sessions')],
  },
  {
    name: 'Keys and money',
    leaves: [leaf('keys', 'Keys and accounts'), leaf('billing', 'Billing'), leaf('ledger', 'Ledger')],
  },
  {
    name: 'Running it',
    leaves: [
      leaf('deploy', 'Deployment'),
      leaf('configuration', 'Configuration'),
      leaf('models', 'Models'),
      leaf('gpu', 'GPUs'),
      leaf('scaling', 'Scaling'),
      leaf('observability', 'Observability'),
    ],
  },
  {
    name: 'How it works',
    leaves: [
      leaf('engine', 'The guarantee'),
      leaf('samplers', 'Samplers'),
      leaf('edge', 'Cost of the edge'),
      leaf('evaluation', 'Evaluation'),
      { file: 'models/default/README.md', label: 'Model card', address: '/docs/model-card/' },
      leaf('training', 'Training'),
      { file: 'training/README.md', label: 'Trainer', address: '/docs/trainer/' },
    ],
  },
];
