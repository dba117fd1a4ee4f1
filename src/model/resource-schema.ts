import { Type, type Static } from 'typebox';
import { PREWARM_STATES, type PrewarmState } from './prewarm-state.ts';

/**
 * Registry credentials, network volumes and prewarm tasks, as they are written on the wire. Bounds
 * marked "ours" are not in the vendor's contract.
 */

const name = Type.String({ minLength: 1, maxLength: 255, description: 'For people; need not be unique.' });
const regionId = Type.String({ minLength: 1, maxLength: 255, description: 'Region, from the region list.' });
const createdAt = Type.Integer({ description: 'Unix time in seconds.' });
const ownerId = Type.String({ description: 'Whose key made it.' });

export const ResourceUser = Type.Object(
  {
    endpoint_id: Type.String(),
    name: Type.String({ description: "The endpoint's." }),
    revisions: Type.Array(Type.Integer(), { description: 'Those of its revisions that serve, or are to.' }),
  },
  { $id: 'ResourceUser' },
);
export type ResourceUser = Static<typeof ResourceUser>;

const usedBy = Type.Array(Type.Ref('ResourceUser#'), {
  description:
    "Endpoints that hold it: it cannot be deleted before they are updated. Beyond the vendor's contract.",
});

export const warnings = Type.Optional(
  Type.Array(Type.String(), {
    description:
      "What was done all the same, and is better done otherwise; absent when there is nothing. Beyond the vendor's contract.",
  }),
);

export const RegistryAuthBody = Type.Object(
  {
    name,
    registry: Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        'Host of the registry, with its port if it is not the usual one: `ghcr.io`, `registry.example:5000`; ' +
        '`docker.io` for Docker Hub. A URL is taken too.',
    }),
    username: Type.String({ minLength: 1, maxLength: 1024, description: 'As the registry knows it.' }),
    // Ours: the longest in use are keys of cloud accounts, in JSON.
    password: Type.String({
      minLength: 1,
      maxLength: 16_384,
      format: 'password',
      writeOnly: true,
      'x-secret': true,
      description: 'Password or token. It is encrypted where it is stored and never answered.',
    }),
  },
  { $id: 'RegistryAuthBody', additionalProperties: false },
);
export type RegistryAuthBody = Static<typeof RegistryAuthBody>;

export const RegistryAuthObject = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    registry: Type.String(),
    username: Type.String(),
    used_by: usedBy,
    owner_id: ownerId,
    created_at: createdAt,
  },
  { $id: 'RegistryAuth' },
);
export type RegistryAuthObject = Static<typeof RegistryAuthObject>;

const SIZE = {
  minimum: 1,
  maximum: 1_000_000,
  description:
    'In GB, what it is meant to hold. It is kept and shown; a folder of this machine has no limit of its own.',
};

export const VolumeBody = Type.Object(
  { name, size: Type.Integer(SIZE), region_id: Type.Optional(regionId) },
  { $id: 'NetworkVolumeBody', additionalProperties: false },
);
export type VolumeBody = Static<typeof VolumeBody>;

export const VolumeChangeBody = Type.Object(
  {
    name: Type.Optional(name),
    size: Type.Optional(Type.Integer({ ...SIZE, description: `${SIZE.description} It can only grow.` })),
    region_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: 'Accepted when it is the present one.' }),
    ),
  },
  { $id: 'NetworkVolumeChangeBody', additionalProperties: false },
);
export type VolumeChangeBody = Static<typeof VolumeChangeBody>;

export const VolumeObject = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    size: Type.Integer({ description: 'In GB.' }),
    region_id: Type.String(),
    used_by: usedBy,
    owner_id: ownerId,
    created_at: createdAt,
  },
  { $id: 'NetworkVolume' },
);
export type VolumeObject = Static<typeof VolumeObject>;

export const PrewarmBody = Type.Object(
  {
    image: Type.String({ minLength: 1, maxLength: 4095, description: 'Reference of the image.' }),
    region_id: regionId,
    registry_auth_id: Type.Optional(
      Type.String({ maxLength: 255, description: 'Saved credential; an empty string means none.' }),
    ),
    product_ids: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        maxItems: 100,
        description: 'Kinds of machine it is to be on; none: all of the region.',
      }),
    ),
    name: Type.Optional(Type.String({ maxLength: 255, description: 'For people.' })),
    note: Type.Optional(Type.String({ maxLength: 1000, description: 'For people.' })),
  },
  { $id: 'PrewarmTaskBody', additionalProperties: false },
);
export type PrewarmBody = Static<typeof PrewarmBody>;

export const PREWARM_STATUS = Type.Unsafe<PrewarmState>({ type: 'string', enum: [...PREWARM_STATES] });

export const PrewarmTaskObject = Type.Object(
  {
    task_id: Type.String(),
    name: Type.String(),
    image: Type.String(),
    region_id: Type.String(),
    product_ids: Type.Array(Type.String()),
    image_size: Type.Integer({ description: 'Bytes on this machine; 0 until it is known.' }),
    created_at: createdAt,
    completed_at: Type.Integer({ description: 'Unix time in seconds; 0 until it is over.' }),
    status: Type.Ref('Status#', { description: '`pending`, `running`, `succeeded` or `failed`.' }),
    registry_auth_id: Type.String(),
    note: Type.String(),
    reason: Type.Array(Type.String(), { description: 'Why it failed; empty when it did not.' }),
    owner_id: ownerId,
  },
  { $id: 'PrewarmTask' },
);
export type PrewarmTaskObject = Omit<Static<typeof PrewarmTaskObject>, 'status'> & {
  readonly status: { readonly status: string; readonly error: string; readonly message: string };
};
