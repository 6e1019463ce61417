/**
 * A server with the Hub's paths over a folder of files: ranges, redirects to another path as to a content network, and faults on demand.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export interface HubServer {
  readonly endpoint: string;
  /** Requests for contents, in order. */
  readonly requests: { readonly path: string; readonly range?: string; readonly authorization?: string }[];
  close(): Promise<void>;
}

export interface HubServerOptions {
  readonly name: string;
  readonly files: Readonly<Record<string, Buffer>>;
  readonly licence?: string;
  /** Breaks the connection behind so many bytes of a file, the next time it is sent. */
  readonly breaks?: Map<string, number[]>;
  /** Sends another file than the one whose checksum is given. */
  readonly corrupt?: string;
  /** Ignores ranges. */
  readonly rangeless?: boolean;
  /** Must be presented as a bearer token. */
  readonly token?: string;
}

export async function hubServer(options: HubServerOptions): Promise<HubServer> {
  const { name, files, licence, token } = options;
  const requests: HubServer['requests'] = [];

  const index = () => ({
    id: name,
    sha: COMMIT,
    cardData: licence === undefined ? {} : { license: licence },
    tags: ['transformers'],
    siblings: Object.entries(files).map(([rfilename, data]) => {
      const blobId = createHash('sha1').update(`blob ${data.length}\0`).update(data).digest('hex');
      const sha256 = createHash('sha256').update(data).digest('hex');
      const lfs = rfilename.endsWith('.safetensors') ? { sha256, size: data.length, pointerSize: 130 } : undefined;
      return { rfilename, size: data.length, blobId, lfs };
    }),
  });

  const sendFile = (path: string, request: IncomingMessage, response: ServerResponse) => {
    let data = files[path];
    if (data === undefined) return response.writeHead(404).end();
    requests.push({ path, range: request.headers.range, authorization: request.headers.authorization });
    if (options.corrupt === path) data = Buffer.from(data.map((byte, i) => (i === data.length - 1 ? byte ^ 1 : byte)));
    const from = options.rangeless ? 0 : Number(request.headers.range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0);
    const head = { 'content-length': data.length - from };
    if (from > 0)
      response.writeHead(206, { ...head, 'content-range': `bytes ${from}-${data.length - 1}/${data.length}` });
    else response.writeHead(200, head);
    const stop = options.breaks?.get(path)?.shift();
    if (stop === undefined) return response.end(data.subarray(from));
    response.write(data.subarray(from, from + stop), () => setTimeout(() => response.destroy(), 20));
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://hub');
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return response.writeHead(401).end();
    if (url.pathname.startsWith(`/api/models/${name}/revision/`)) return response.end(JSON.stringify(index()));
    const contents = `/${name}/resolve/${COMMIT}/`;
    if (url.pathname.startsWith(contents)) {
      return response.writeHead(302, { location: `/contents/${url.pathname.slice(contents.length)}` }).end();
    }
    if (url.pathname.startsWith('/contents/'))
      return sendFile(decodeURIComponent(url.pathname.slice(10)), request, response);
    return response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
