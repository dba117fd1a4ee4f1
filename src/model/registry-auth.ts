/** What a pull shows an image registry. Only ever in memory. */
export interface RegistryCredential {
  /** Host, with its port unless that is the usual one: `docker.io`, `registry.example:5000`. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}
