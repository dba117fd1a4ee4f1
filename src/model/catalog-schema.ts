import { Type, type Static } from 'typebox';

/** What the catalogue of machines and places answers. Shapes are the vendor's; prices are 0 where the server was given none. */

const Price = Type.Object({
  base_price: Type.Integer(),
  final_price: Type.Integer(),
  unit: Type.String(),
});

export const ProductObject = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    type: Type.String({ description: '`cpu` or `gpu`.' }),
    category: Type.String({ description: 'Always `serverless`.' }),
    description: Type.String(),
    region_ids: Type.Array(Type.String()),
    resource_spec: Type.Object({
      gpu: Type.Object({
        spec_id: Type.String(),
        name: Type.String(),
        memory_gb: Type.Integer({ description: 'Of one GPU; 0 when not known, and for `cpu`.' }),
        min: Type.Integer({ description: 'Fewest GPUs a worker can ask for.' }),
        max: Type.Integer({ description: 'Most GPUs a worker can ask for here.' }),
        available: Type.Integer({ description: 'GPUs no worker holds now.' }),
        max_available: Type.Integer({ description: 'GPUs there are in all.' }),
      }),
      cpu: Type.Integer({ description: '0: not limited.' }),
      memory_gb: Type.Integer({ description: '0: not limited.' }),
      rootfs: Type.Object({
        min_gb: Type.Integer(),
        max_gb: Type.Integer(),
        free_gb: Type.Integer(),
        limited: Type.Boolean({
          description:
            'False: `rootfs_size_gb` is kept and shown, and a worker can write until the disk is full. So it ' +
            'is without containers, and where the container engine’s storage cannot hold them to a size.',
        }),
      }),
    }),
    pricing: Type.Object({
      precision: Type.Integer({ description: 'A price is the integer divided by 10 to this power.' }),
      postpaid: Price,
      storage_price_per_gb: Type.Integer(),
    }),
    billing_methods: Type.Array(Type.String()),
    inventory_state: Type.String({
      description: '`available`, or `busy` while every GPU is held by a worker.',
    }),
    deployable: Type.Boolean({ description: 'An endpoint can be made with it.' }),
  },
  { $id: 'Product' },
);
export type ProductObject = Static<typeof ProductObject>;

export const RegionObject = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    gpus: Type.Array(Type.String(), { description: 'Products with GPUs in it.' }),
    feature: Type.Object({ network_volume: Type.Boolean(), instance_vpc_network: Type.Boolean() }),
  },
  { $id: 'Region' },
);
export type RegionObject = Static<typeof RegionObject>;
