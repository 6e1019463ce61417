/** A server that wants TLS and a user's credentials, as one on another machine should. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { startRole } from '../../../../bench/chaos-processes.ts';
import { NATS_SERVER, startNats } from './server.ts';
import { until } from './setup.ts';

const FIXTURES = join(import.meta.dirname, '../../../fixtures/nats');
const CERTIFICATE = join(FIXTURES, 'certificate.pem');
const UNLIMITED = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = {
  ...{ ...UNLIMITED, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
  ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
};

type Keys = ReturnType<typeof nkeys.createUser>;

/** A token as NATS signs them: nats-io/jwt, version 2. */
function token(subject: Keys, issuer: Keys, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const head = part({ typ: 'JWT', alg: 'ed25519-nkey' });
  const [sub, iss] = [subject.getPublicKey(), issuer.getPublicKey()];
  const body = part({
    jti: sub,
    iat: Math.floor(Date.now() / 1000),
    iss,
    sub,
    name: 'test',
    nats: { ...claims, version: 2 },
  });
  const signature = issuer.sign(new TextEncoder().encode(`${head}.${body}`));
  return `${head}.${body}.${Buffer.from(signature).toString('base64url')}`;
}

const credentialsOf = (jwt: string, user: Keys) => {
  const seed = new TextDecoder().decode(user.getSeed());
  const block = (what: string, text: string) => `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n`;
  return block('NATS USER JWT', jwt) + block('USER NKEY SEED', seed);
};

describe.skipIf(NATS_SERVER === undefined)('a server with TLS and users', () => {
  it('lets in whoever has credentials, by tls:// alone, and takes those that are put right while it waits', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'maskwright-users-'));
    const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
    const system = nkeys.createAccount(); // the server's own, which JetStream asks for
    const accounts = [account, system].map((keys) => {
      const limits = keys === account ? ACCOUNT_LIMITS : { ...UNLIMITED, conn: -1, exports: -1 };
      return `${keys.getPublicKey()}: ${token(keys, operator, { type: 'account', limits })}`;
    });
    const config = join(folder, 'server.conf');
    await writeFile(
      config,
      `operator: ${token(operator, operator, { type: 'operator' })}
       resolver: MEMORY
       system_account: ${system.getPublicKey()}
       resolver_preload: { ${accounts.join(', ')} }
       tls: { cert_file: "${CERTIFICATE}", key_file: "${join(FIXTURES, 'key.pem')}" }`,
    );
    const credentials = join(folder, 'user.creds');
    const foreign = token(user, nkeys.createAccount(), { type: 'user', ...UNLIMITED });
    await writeFile(credentials, credentialsOf(foreign, user));
    const server = await startNats(['-c', config]);
    const gateway = await startRole('gateway', {
      ...{
        nats: server.url.replace('nats://127.0.0.1', 'tls://localhost'),
        prefix: 'tls',
        model: 'unused',
        threads: 1,
        cacheFolder: folder,
      },
      environment: { NODE_EXTRA_CA_CERTS: CERTIFICATE, MASKWRIGHT_NATS_CREDENTIALS: credentials },
    });
    const status = async () => (await (await fetch(`${gateway.url}/readyz`)).json()).status;
    try {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await status()).toBe('not connected to NATS');
      expect(gateway.log.join('\n')).toContain('Authorization Violation');
      await writeFile(credentials, credentialsOf(token(user, account, { type: 'user', ...UNLIMITED }), user));
      await until(async () => (await status()) === 'waiting for an engine', 'the gateway is connected');
      expect(gateway.log.join('\n')).not.toContain(new TextDecoder().decode(user.getSeed()));
    } finally {
      gateway.child.kill('SIGKILL');
      await server.stop();
      await rm(folder, { recursive: true });
    }
  });
});
