import { Type, type Static } from 'typebox';

function nullable<Value extends number | string>(type: 'integer' | 'string', description: string) {
  return Type.Unsafe<Value | null>({ type, nullable: true, description });
}

/** A GPU as the API shows it. It goes beyond the vendor's contract. */
export const DeviceObject = Type.Object(
  {
    id: Type.String({ description: 'Its UUID, or a number where only their number was configured.' }),
    index: nullable<number>('integer', "Its number now, as the driver's own tools count; null: not told."),
    name: Type.String(),
    product_id: Type.String({ description: 'The product of its kind.' }),
    state: Type.String({
      description:
        '`free`; `held` by a worker or kept for one; `usedByOthers`: programs that are no workers have too much of ' +
        'its memory; `gone`: no longer listed or reached. Only a free one is given to a worker.',
    }),
    memory_mib: Type.Integer({ description: '0: not told.' }),
    used_mib: nullable<number>('integer', 'Memory in use by anybody when it was looked at last.'),
    worker_id: nullable<string>('string', 'The worker that has it, or for which it is kept.'),
    processes: Type.Array(
      Type.Object({
        pid: Type.Integer(),
        name: Type.String(),
        used_mib: nullable<number>('integer', 'Null: not told.'),
      }),
      { description: 'Those that computed on it when it was looked at last, workers too.' },
    ),
  },
  { $id: 'Device' },
);
export type DeviceObject = Static<typeof DeviceObject>;

export const DevicesAnswer = Type.Object(
  {
    data: Type.Array(Type.Ref('Device#')),
    driver_version: nullable<string>('string', "Of the kernel's driver."),
    cuda_version: nullable<string>('string', 'The highest that this driver takes.'),
    seen_at: nullable<number>('integer', 'When they were looked at last, unix time in seconds; null: never.'),
  },
  { description: 'The GPUs of this machine.' },
);
