/** What tests of queues use of the test runtime's module, beside ../cloudflare-test.d.ts. */
declare module 'cloudflare:test' {
  import type { ExecutionContext, MessageBatch } from '@cloudflare/workers-types';

  export function createExecutionContext(): ExecutionContext;
  export function createMessageBatch<Body>(
    queue: string,
    messages: readonly {
      readonly id: string;
      readonly timestamp: Date;
      readonly attempts: number;
      readonly body: Body;
    }[],
  ): MessageBatch<Body>;
  export function getQueueResult(
    batch: MessageBatch<unknown>,
    context: ExecutionContext,
  ): Promise<{
    readonly explicitAcks: readonly string[];
    readonly retryMessages: readonly { readonly msgId: string; readonly delaySeconds?: number }[];
  }>;
}
