/** Starts the dashboard in its page. */
import { startDashboard } from './app.ts';

startDashboard(document.querySelector('#main') as HTMLElement);
