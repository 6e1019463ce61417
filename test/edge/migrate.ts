/** Before each file of tests its D1 gets its tables. */
import { applyD1Migrations, env } from 'cloudflare:test';

await applyD1Migrations(env.DB, env.MIGRATIONS);
