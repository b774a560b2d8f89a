import type { RootHookObject } from 'mocha';
import { stopLabs } from './lab.ts';

export const mochaHooks: RootHookObject = {
  async afterAll() {
    await stopLabs();
  },
};
