import assert from 'node:assert/strict';
import { licenceInReadme } from '../../scripts/packaging/readme-licence.ts';

const licence = 'Copyright (c) 2014 Ann\n\nPermission is hereby granted, free of charge, to any person.\n';

describe('the licence in a README', () => {
  it('is its section, to the end or to the next one', () => {
    assert.equal(licenceInReadme(`# pkg\n\ntext\n\n## license\n\n${licence}`), licence);
    assert.equal(licenceInReadme(`# pkg\r\n## License\r\n${licence.replaceAll('\n', '\r\n')}\r\n## More\r\n`), licence);
  });

  it('is none when the text or the one who grants it is missing', () => {
    assert.equal(licenceInReadme('# pkg\n\n## License\n\nMIT\n'), null);
    assert.equal(licenceInReadme('# pkg\n\n## License\n\nPermission is hereby granted\n'), null);
    assert.equal(licenceInReadme(`# pkg\n\n${licence}`), null);
  });
});
