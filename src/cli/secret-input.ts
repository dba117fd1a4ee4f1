import { UsageError, type Io } from './io.ts';

/**
 * A password from the terminal, unseen, or from the standard input. Never from the arguments: every
 * user of the machine can read those, and the shell keeps them.
 */
export async function readSecret(question: string, io: Io): Promise<string> {
  const text = io.stdinIsTty ? await io.askUnseen(question) : await io.readStdin();
  // An echo or a here-document ends it with one that is no part of it.
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '')
    throw new UsageError('the password is empty; give it at the prompt, or on the standard input');
  return secret;
}
