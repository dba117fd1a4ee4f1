import type { ProductObject, RegionObject } from '../model/catalog-schema.ts';
import type { DeviceObject } from '../model/device-schema.ts';
import type { DeviceView } from '../model/device-view.ts';
import type { Product, Region } from '../model/product.ts';

const MIB_PER_GIB = 1024;
/** The contract's bound of gpu_num. */
const GPUS_PER_WORKER_MAX = 8;

export function productObject(product: Product & { readonly available: number }): ProductObject {
  const gpu = product.type === 'gpu';
  return {
    id: product.id,
    name: product.name,
    type: product.type,
    category: 'serverless',
    description: gpu
      ? `${product.deviceCount} × ${product.name}`
      : 'Workers without a GPU; their number is bounded by max_replicas alone.',
    region_ids: [...product.regionIds],
    resource_spec: {
      gpu: {
        spec_id: gpu ? product.id : '',
        name: gpu ? product.name : '',
        memory_gb: Math.round(product.memoryMib / MIB_PER_GIB),
        min: gpu ? 1 : 0,
        max: Math.min(GPUS_PER_WORKER_MAX, product.deviceCount),
        available: gpu ? product.available : 0,
        max_available: product.deviceCount,
      },
      cpu: 0,
      memory_gb: 0,
      rootfs: { min_gb: 10, max_gb: 100, free_gb: 100, limited: product.rootfsLimit },
    },
    pricing: pricingOf(product.pricePerHour),
    billing_methods: ['postpaid'],
    inventory_state: gpu && product.available === 0 ? 'busy' : 'available',
    deployable: !gpu || product.deviceCount > 0,
  };
}

/** As many decimals as a configured price can have. */
const PRICE_PRECISION = 4;

function pricingOf(pricePerHour: number | null): ProductObject['pricing'] {
  const price = Math.round((pricePerHour ?? 0) * 10 ** PRICE_PRECISION);
  return {
    precision: pricePerHour === null ? 0 : PRICE_PRECISION,
    postpaid: { base_price: price, final_price: price, unit: 'per_hour' },
    storage_price_per_gb: 0,
  };
}

export function deviceObject(device: DeviceView): DeviceObject {
  return {
    id: device.id,
    index: device.index,
    name: device.name,
    product_id: device.productId,
    state: device.state,
    memory_mib: device.memoryMib,
    used_mib: device.usedMib,
    worker_id: device.workerId,
    processes: device.processes.map(({ pid, name, usedMib }) => ({ pid, name, used_mib: usedMib })),
  };
}

export function regionObject(region: Region, products: readonly Product[]): RegionObject {
  const gpus = products.filter((product) => product.type === 'gpu' && product.regionIds.includes(region.id));
  return {
    id: region.id,
    name: region.name,
    gpus: gpus.map((product) => product.id),
    feature: { network_volume: true, instance_vpc_network: false },
  };
}
