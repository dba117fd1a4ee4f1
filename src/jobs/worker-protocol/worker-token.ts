import { createHmac, timingSafeEqual } from 'node:crypto';
import type { EndpointId, WorkerId } from '../../base/ids.ts';

export interface TokenHolder {
  readonly endpointId: EndpointId;
  readonly workerId: WorkerId;
}

const FORM = /^plw\.([a-z0-9]{1,64})\.([a-z0-9]{1,64})\.([A-Za-z0-9_-]{43})$/;

/**
 * What a worker shows with each call: who it is, and a seal over that which only this server can make.
 * Nothing of it is stored, and it is good across restarts; whether its worker still lives is asked elsewhere.
 */
export class WorkerTokens {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  tokenOf({ endpointId, workerId }: TokenHolder): string {
    return `plw.${endpointId}.${workerId}.${this.#seal(endpointId, workerId)}`;
  }

  /** Null for anything that this server did not make. */
  holderOf(token: string): TokenHolder | null {
    const [, endpointId = '', workerId = '', given = ''] = FORM.exec(token) ?? [];
    if (given === '') return null;
    const sealed = Buffer.from(this.#seal(endpointId, workerId));
    if (!timingSafeEqual(sealed, Buffer.from(given))) return null;
    return { endpointId: endpointId as EndpointId, workerId: workerId as WorkerId };
  }

  #seal(endpointId: string, workerId: string): string {
    return createHmac('sha256', this.#key).update(`worker ${endpointId} ${workerId}`).digest('base64url');
  }
}
