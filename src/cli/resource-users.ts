import type { ResourceUser } from '../client/schema.ts';

/** "chat (2, 3), other (1)": endpoints by name, with their revisions. */
export function usersText(users: readonly ResourceUser[]): string {
  if (users.length === 0) return '-';
  return users.map(({ name, revisions }) => `${name} (${revisions.join(', ')})`).join(', ');
}
