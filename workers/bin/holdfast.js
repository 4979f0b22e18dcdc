#!/usr/bin/env node
void import('../../dist/workers/processes/cli-main.js');
