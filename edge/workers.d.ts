/** What of the runtime's own module we use. The package of Workers' types declares it for global use only, which would clash with the DOM's. */
declare module 'cloudflare:workers' {
  export import DurableObject = CloudflareWorkersModule.DurableObject;

  // biome-ignore lint/correctness/noUnusedImports: it is used by the import of the same name's member above
  import type { CloudflareWorkersModule } from '@cloudflare/workers-types';
}
