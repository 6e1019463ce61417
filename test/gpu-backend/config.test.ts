import { describe, expect, it } from 'vitest';
import { readConfig } from '../../gpu-backend/config.ts';

const MASKWRIGHT_SECRET = 'a secret of thirty-two characters, and more';

describe('readConfig', () => {
  it('has a default for everything but the secret', () => {
    expect(readConfig({ MASKWRIGHT_SECRET, PATH: '/bin' })).toEqual({
      host: '127.0.0.1',
      port: 8788,
      secret: MASKWRIGHT_SECRET,
      models: ['models/default'],
      device: 'cpu',
      precision: 'int8',
      threads: expect.any(Number),
      modelMemoryMb: undefined,
      running: undefined,
      waitingS: 30,
      deadlineS: 300,
      graceS: 25,
      role: 'service',
      nats: { servers: ['nats://127.0.0.1:4222'], credentials: undefined, replicas: 1, prefix: 'maskwright' },
      cacheFolder: '.cache',
      logLevel: 'info',
    });
  });

  it('reads what is set', () => {
    const config = readConfig({
      MASKWRIGHT_SECRET,
      MASKWRIGHT_BACKEND_PORT: '9000',
      MASKWRIGHT_MODELS: 'a, b/c',
      MASKWRIGHT_PRECISION: 'float32',
      MASKWRIGHT_THREADS: '3',
    });
    expect(config).toMatchObject({ port: 9000, models: ['a', 'b/c'], precision: 'float32', threads: 3 });
  });

  it.each([
    ['cpu', 'int8'],
    ['webgpu', 'float32'],
    ['cuda', 'float16'],
    ['directml', 'float16'],
  ])('runs %s in %s where no precision is asked for', (device, precision) => {
    expect(readConfig({ MASKWRIGHT_SECRET, MASKWRIGHT_DEVICE: device })).toMatchObject({ device, precision });
  });

  it.each([
    [{}, ['MASKWRIGHT_SECRET must be set']],
    [{ MASKWRIGHT_SECRET: 'short' }, ['MASKWRIGHT_SECRET must have at least 32 characters']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_BACKEND_PORT: '99999' }, ['MASKWRIGHT_BACKEND_PORT must be at most 65535']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_BACKEND_PORT: 'http' }, ['must be a whole number', '"http"']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_DEVICE: 'tpu' }, ['MASKWRIGHT_DEVICE must be one of: cpu, webgpu, cuda', '"tpu"']],
    [
      { MASKWRIGHT_SECRET, MASKWRIGHT_PRECISION: 'float16' },
      ['MASKWRIGHT_PRECISION does not go with MASKWRIGHT_DEVICE', 'device cpu', 'int8 or int4 or float32'],
    ],
    [
      { MASKWRIGHT_SECRET, MASKWRIGHT_DEVICE: 'cuda', MASKWRIGHT_PRECISION: 'int8' },
      ['precision is int8 and device cuda; cuda takes float16 or float32 or int4'],
    ],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_THREADS: '0' }, ['MASKWRIGHT_THREADS must be at least 1']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_MODELS: 'a,,b' }, ['MASKWRIGHT_MODELS must be folders separated by commas']],
    [{ MASKWRIGHT_SECRET, MASKWRIGHT_THREDS: '2' }, ['MASKWRIGHT_THREDS is not a variable', 'MASKWRIGHT_THREADS']],
    [{ MASKWRIGHT_THREADS: '0', MASKWRIGHT_X: '' }, ['MASKWRIGHT_THREADS', 'MASKWRIGHT_X', 'MASKWRIGHT_SECRET']],
  ])('says of %j what is wrong and what is allowed', (environment, said) => {
    let message = '';
    try {
      readConfig(environment);
    } catch (thrown) {
      message = String(thrown);
    }
    for (const part of said) expect(message).toContain(part);
    expect(message).not.toContain('short');
  });
});
