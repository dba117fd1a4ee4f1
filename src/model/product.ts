/** One accelerator of this host. `id` is what CUDA_VISIBLE_DEVICES takes. */
export interface Device {
  readonly id: string;
  readonly productId: string;
  readonly name: string;
  readonly memoryMib: number;
}

/** A kind of machine a worker can ask for. `cpu` takes no device. */
export interface Product {
  readonly id: string;
  readonly name: string;
  readonly type: 'cpu' | 'gpu';
  readonly regionIds: readonly string[];
  /** Memory of one device; 0 where it is not known, and for `cpu`. */
  readonly memoryMib: number;
  /** How many devices of it exist; 0 for `cpu`. */
  readonly deviceCount: number;
  /** Whether a worker's own file system is held to `rootfs_size_gb`. */
  readonly rootfsLimit: boolean;
  /** Of one device for one hour, of a whole worker for `cpu`; null: it has no price here. */
  readonly pricePerHour: number | null;
}

export interface Region {
  readonly id: string;
  readonly name: string;
}

export const CPU_PRODUCT_ID = 'cpu';
/** The product of devices whose type is not known. */
export const GPU_PRODUCT_ID = 'gpu';
export const LOCAL_REGION: Region = { id: 'local', name: 'This machine' };

/** How many devices one worker of this product takes. */
export function devicesPerWorker(product: Pick<Product, 'type'>, gpuNum: number): number {
  return product.type === 'cpu' ? 0 : gpuNum;
}

/** What one worker costs for an hour; null where its product has no price. */
export function workerPricePerHour(
  product: Pick<Product, 'type' | 'pricePerHour'>,
  gpuNum: number,
): number | null {
  return product.pricePerHour === null
    ? null
    : product.pricePerHour * Math.max(1, devicesPerWorker(product, gpuNum));
}
