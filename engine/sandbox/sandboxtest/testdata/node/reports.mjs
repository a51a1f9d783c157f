// Does what the layer of @serverless/aws-lambda-otel-extension does inside a
// function: hands its extension a record of each call.
import { deflateSync } from 'node:zlib';

export const handler = async (event, context) => {
  const report = {
    function: { faas_id: 'f', error: false, service_name: 'reported', invocationId: context.awsRequestId },
    traces: { resourceSpans: [{ instrumentationLibrarySpans: [] }] },
  };
  const packed = deflateSync(JSON.stringify(report)).toString('base64');
  const record = `${new Date().toISOString()}\t${context.awsRequestId}\t\u26a1.${packed}`;
  const answer = await fetch('http://127.0.0.1:2772', { method: 'POST', body: JSON.stringify([{ type: 'function', record }]) });
  return answer.status;
};
