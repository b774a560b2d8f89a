import type { PageData } from './data.ts';
import { byId } from './dom.ts';
import { expiryChart } from './expiry-chart.ts';
import { findingCounts } from './finding-counts.ts';
import { findingList } from './finding-list.ts';
import { limitChart } from './limit-chart.ts';
import { remarks } from './remarks.ts';
import { rowsOf } from './rows.ts';
import { userSection } from './user-section.ts';

const data: PageData = JSON.parse(byId('data').textContent);
const rows = rowsOf(data.users);
const findings = findingCounts(rows);
const users = userSection(rows, findings.map(({ code }) => code).toSorted(), data.generatedAt);

byId('limit-chart').append(...limitChart(rows, data.criteria.maxCertificates, users.showUser));
byId('expiry-chart').append(...expiryChart(data));
byId('finding-list').append(findingList(findings, users.showFinding));
byId('remarks').append(...remarks(data));
byId('user-table').append(...users.parts);
