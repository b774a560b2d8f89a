/** The folder of package.json, from here and from dist/cli alike, where this module is a part of a bundle. */
export const packageRoot = new URL('../../', import.meta.url);
