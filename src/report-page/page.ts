import type { PageData } from './data.ts';
import { byId } from './dom.ts';
import { expiryChart } from './expiry-chart.ts';
import { findingList } from './finding-list.ts';
import { limitChart } from './limit-chart.ts';
import { remarks } from './remarks.ts';
import { rowOf } from './rows.ts';
import { userSection } from './user-section.ts';

const data: PageData = JSON.parse(byId('data').textContent);
const rows = data.users.map(rowOf);
const users = userSection(rows, Object.keys(data.summary.findings).toSorted(), data.generatedAt);

byId('limit-chart').append(...limitChart(rows, data.criteria.maxCertificates, users.showUser));
byId('expiry-chart').append(...expiryChart(data));
byId('finding-list').append(findingList(data.summary.findings, users.showFinding));
byId('remarks').append(...remarks(data));
byId('user-table').append(...users.parts);
