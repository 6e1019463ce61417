/** Pages of somebody else's website, on an origin of their own, with the strictest policy that the widget works under. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, inject } from 'vitest';

export interface Page {
  /** What stands in the body. */
  readonly body: string;
  /** Of the document. */
  readonly direction?: 'ltr' | 'rtl';
  /** Script tags that load the widget; the moving version by default. */
  readonly scripts?: string;
  /** In place of loading the widget from the edge and calling it there. */
  readonly policy?: string;
}

export interface Website {
  /** 'http://localhost:41234': another origin than that of the edge. */
  readonly origin: string;
  /** Address of a page that shows this. */
  show(page: Page): string;
  /** What a POST to an address of the website answers, and its body. */
  onPost(path: string, answer: (body: string) => Promise<object>): void;
}

/** The style of the website; no widget has any of its own on the page. */
const STYLE = `
body { font: 18px/1.5 system-ui, sans-serif; max-inline-size: 38rem; margin: 2rem auto; padding: 0 1rem }
maskwright-text { margin-block: 1rem }
`;

/** One website for the tests of a file. */
export function withWebsite(): Website {
  const pages: Page[] = [];
  const posts = new Map<string, (body: string) => Promise<object>>();
  let origin = '';
  let server: Server;
  beforeAll(async () => {
    server = createServer(async (request, response) => {
      const path = request.url ?? '/';
      const post = posts.get(path);
      if (request.method === 'POST' && post !== undefined) {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(await post(Buffer.concat(chunks).toString())));
      } else if (path === '/style.css') response.setHeader('content-type', 'text/css').end(STYLE);
      else if (path === '/favicon.ico') response.writeHead(204).end();
      else {
        const page = pages[Number(path.slice(1))];
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.setHeader('content-security-policy', page.policy ?? strictPolicy());
        response.end(html(page));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());
  return {
    get origin() {
      return origin;
    },
    show: (page) => `${origin}/${pages.push(page) - 1}`,
    onPost: (path, answer) => void posts.set(path, answer),
  };
}

function strictPolicy(): string {
  const edge = inject('url');
  return `default-src 'none'; script-src ${edge}; connect-src ${edge}; style-src 'self'; require-trusted-types-for 'script'`;
}

function html({ body, direction = 'ltr', scripts }: Page): string {
  const load = scripts ?? `<script type="module" src="${inject('url')}/embed/v1/widget.js"></script>`;
  return `<!doctype html>
<html lang="en" dir="${direction}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The Riverside</title>
<link rel="stylesheet" href="/style.css">
${load}
<main><h1>The Riverside</h1>
${body}
</main>
</html>`;
}
