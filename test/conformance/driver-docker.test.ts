import { dockerConformanceWorld } from '../support/docker-conformance.ts';
import { engineSkip } from '../support/engines.ts';
import { driverConformance } from './driver.ts';

driverConformance('docker', () => dockerConformanceWorld('docker', ['1']), engineSkip());
