import { AppError } from '../base/errors.ts';
import type { RevisionSpec } from '../model/endpoint.ts';
import { LOCAL_REGION, type Product } from '../model/product.ts';
import { faultsError } from '../model/faults.ts';
import type { Driver } from '../ports/driver.ts';
import type { Inventory } from './inventory.ts';

/** Refuses what can never start here. */
export function checkSpec(spec: RevisionSpec, inventory: Inventory, driver: Pick<Driver, 'refusal'>): void {
  checkResources(spec, inventory);
  const refusal = driver.refusal(spec);
  if (refusal !== null) throw refusal;
}

export function checkRegion(regionId: string): void {
  if (regionId === LOCAL_REGION.id) return;
  throw faultsError({ region_id: `is unknown, "${regionId}" was given; allowed: "${LOCAL_REGION.id}"` });
}

/** `path`: the field that names it. */
export function productOf(productId: string, inventory: Inventory, path: string): Product {
  const product = inventory.products.get(productId);
  if (product !== undefined) return product;
  const known = [...inventory.products.keys()].join(', ');
  throw new AppError(
    'SERVERLESS_PRODUCT_NOT_FOUND',
    `There is no product "${productId}" here; there are: ${known}.`,
    { metadata: { [path]: `is unknown, "${productId}" was given; allowed: ${known}` } },
  );
}

/** Refuses what this machine could never give, whoever holds its devices now. */
function checkResources(spec: RevisionSpec, inventory: Inventory): void {
  checkRegion(spec.regionId);
  const product = productOf(spec.productId, inventory, 'product_id');
  if (product.type === 'cpu') return;
  if (spec.gpuNum > product.deviceCount) {
    throw new AppError(
      'INSUFFICIENT_RESOURCE',
      `A worker with ${spec.gpuNum} devices of product "${product.id}" can never start: this machine has ${product.deviceCount}.`,
      {
        metadata: {
          'worker_config.gpu_num': `${spec.gpuNum} was given; allowed here: 1 to ${product.deviceCount}`,
        },
      },
    );
  }
  if (
    spec.minCudaVersion !== '' &&
    inventory.cudaVersion !== null &&
    isAbove(spec.minCudaVersion, inventory.cudaVersion)
  ) {
    throw new AppError(
      'INSUFFICIENT_RESOURCE',
      `min_cuda_version ${spec.minCudaVersion} is above the CUDA version ${inventory.cudaVersion} of this machine's driver.`,
      {
        metadata: {
          'worker_config.min_cuda_version': `${spec.minCudaVersion} was given; this machine's driver has ${inventory.cudaVersion}`,
        },
      },
    );
  }
}

/** Of versions such as "12.8": 12.10 is above 12.9. */
function isAbove(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major > otherMajor || (major === otherMajor && minor > otherMinor);
}
