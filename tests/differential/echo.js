// Node's own server: answers each request with what it saw, as echo.py does.
const http = require('node:http');

const server = http.createServer((request, response) => {
  let bytes = 0;
  request.on('data', (chunk) => { bytes += chunk.length; });
  request.on('end', () => {
    response.setHeader('x-seen', `${request.method} ${bytes}`);
    response.end('ok');
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
