/** How a job may end. `refused`: before its first event. */
export const OUTCOMES = ['done', 'cancelled', 'refused', 'failed'] as const;
export type Outcome = (typeof OUTCOMES)[number];
