import { PinnedChild, PROXY_CORE } from '../child.ts';
import { familyOf } from '../proc.ts';
import type { Ground, OpenSubject, Target } from '../subject.ts';
import type { Route } from '../upstreams.ts';

export interface ChildSubject {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly port: number;
  /** Default: the route is the first part of the path, and the key goes along. */
  target?(route: Route): Target;
}

/** Starts a proxy that is one command. */
export async function openChildSubject(ground: Ground, subject: ChildSubject): Promise<OpenSubject> {
  const { name, command, environment = {}, port } = subject;
  const child = new PinnedChild(command, { core: PROXY_CORE, environment });
  try {
    await child.listening(port);
  } catch (error) {
    await child.close();
    throw error;
  }
  return {
    name,
    target: (route) =>
      subject.target?.(route) ?? {
        port,
        prefix: `/${route}`,
        headers: { authorization: `Bearer ${ground.apiKey}` },
      },
    pids: () => familyOf(child.pid),
    close: async () => await child.close(),
  };
}
