import { Type } from 'typebox';

/** Declared on every route that can refuse. */
export const ERROR_ANSWERS = {
  '4xx': Type.Ref('Error#', { description: 'Refused; nothing was changed.' }),
  '5xx': Type.Ref('Error#', { description: 'Failed on the side of the server.' }),
} as const;

/** A 200 that is not JSON. */
export function plainText(description: string) {
  return { description, content: { 'text/plain': { schema: Type.String() } } };
}
