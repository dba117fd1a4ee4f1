import type { OwnerId, RegistryAuthId } from '../base/ids.ts';

/** A saved credential of an image registry. */
export interface RegistryAuth {
  readonly id: RegistryAuthId;
  readonly ownerId: OwnerId;
  /** For people; need not be unique. */
  readonly name: string;
  /** As `registryHost` writes it. */
  readonly registry: string;
  readonly username: string;
  /** What `Secrets.seal` made of the password: without the server's key it says nothing. */
  readonly sealedPassword: string;
  readonly createdAtMs: number;
}

/** What a pull shows an image registry. Only ever in memory. */
export interface RegistryCredential {
  /** Host, with its port unless that is the usual one: `docker.io`, `registry.example:5000`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Of one server. */
export const REGISTRY_AUTHS_MAX = 1_000;
