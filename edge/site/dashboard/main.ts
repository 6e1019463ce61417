/** Starts the dashboard in its page. */
import { startDashboard } from './app.ts';
import { takeKeyFromAddress } from './sign-in.ts';

const key = takeKeyFromAddress();
startDashboard(document.querySelector('#main') as HTMLElement, key);
