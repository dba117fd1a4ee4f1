import type { MessagePort } from 'node:worker_threads';
import type { JsonLogLevel } from '../../adapters/log-json.ts';
import type { Certificate } from '../../gateway/certificate.ts';
import type { GatewayLimits } from '../../gateway/limits.ts';
import type { TableMemory } from '../../gateway/threads/shared-table.ts';
import type { ThreadOrder, ThreadReport } from '../../gateway/threads/thread-message.ts';
import type { ApiKey } from '../../ports/store.ts';

/** What a gateway thread is started with. */
export interface ThreadSetup {
  readonly thread: number;
  readonly table: TableMemory;
  readonly ring: SharedArrayBuffer;
  readonly limits: GatewayLimits;
  readonly domain: string | null;
  readonly certificate: Certificate | null;
  readonly apiKeys: readonly ApiKey[];
  readonly logLevel: JsonLogLevel;
}

export type SetupOrder =
  | ThreadOrder
  /** `listening` or `listenFailed` comes back. */
  | { readonly kind: 'listen'; readonly host: string; readonly port: number };

export type SetupReport =
  | ThreadReport
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'listenFailed'; readonly message: string }
  /** A client's request is for the server itself: a connection to it, for a client of that address. */
  | { readonly kind: 'inside'; readonly address: string; readonly port: MessagePort };
