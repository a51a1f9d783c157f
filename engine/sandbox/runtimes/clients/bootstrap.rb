# Runs a Ruby function: AWS Lambda's runtime interface, on any Ruby from 2.7.
#
# It answers as AWS's own Ruby runtime does: the same handlers, errors, log lines
# and context. It speaks to the Runtime API over one connection.

require 'json'
require 'socket'
require 'stringio'

$stdout.sync = true
$stderr.sync = true

module LambdaForm
  # The Runtime API: one kept-alive HTTP connection, bodies of known length.
  class Api
    ROOT = '/2018-06-01/runtime/'.freeze

    def initialize(address)
      @host, _, @port = address.rpartition(':')
    end

    def call(method, path, body = '', headers = {})
      unless @socket
        @socket = TCPSocket.new(@host, @port.to_i)
        @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      end
      head = +"#{method} #{ROOT}#{path} HTTP/1.1\r\nHost: lambda\r\nContent-Length: #{body.bytesize}\r\n"
      headers.each { |name, value| head << "#{name}: #{value}\r\n" }
      @socket.write(head.b << "\r\n" << body.b)
      receive
    rescue IOError, SystemCallError
      exit!(1) # the environment is being taken down
    end

    private

    def receive
      status = line.split(' ')[1].to_i
      headers = {}
      until (text = line).empty?
        name, value = text.split(':', 2)
        headers[name.downcase] = value.strip
      end
      length = headers['content-length'].to_i
      body = length.zero? ? +'' : @socket.read(length)
      if headers['connection'] == 'close'
        @socket.close
        @socket = nil
      end
      [status, headers, body.force_encoding(Encoding::UTF_8)]
    end

    def line
      (@socket.gets || raise(IOError, 'hung up')).chomp.force_encoding(Encoding::UTF_8)
    end
  end

  # What a handler is told about its invocation.
  class Context
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
                :memory_limit_in_mb, :function_version, :identity, :tenant_id, :client_context, :deadline_ms

    def initialize(headers)
      @aws_request_id = headers['lambda-runtime-aws-request-id']
      @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
      @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
      @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
      @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
      @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
      @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
      @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
      @tenant_id = headers['lambda-runtime-aws-tenant-id']
      @identity = Context.parse(headers['lambda-runtime-cognito-identity'])
      @client_context = Context.parse(headers['lambda-runtime-client-context'])
    end

    def get_remaining_time_in_millis
      [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
    end

    def self.parse(json)
      JSON.parse(json) unless json.to_s.empty?
    end
  end

  # An error as it is reported.
  class Fault
    TOLD = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit SystemStackError].freeze

    def initialize(error, where)
      frames = (error.backtrace || []).take(100).take_while { |frame| !frame.start_with?(File.expand_path(__FILE__)) }
      @type = "#{where}<#{error.class}>"
      @told = TOLD.include?(error.class.to_s)
      @body = { errorMessage: error.message, errorType: @type, stackTrace: frames }
    end

    def json
      JSON.generate(@body)
    end

    def headers
      { 'Content-Type' => 'application/json',
        'Lambda-Runtime-Function-Error-Type' => @told ? @type : 'Function<UserException>' }
    end

    def log(message)
      # A carriage return keeps the lines together as one log event.
      $stdout.write(message, "\n", JSON.pretty_generate(@body).gsub("\n", "\r"), "\n")
    end
  end

  # The function's code: "file.method" or "file.Module::Class.method".
  class Handler
    def initialize(name)
      parts = name.split('.')
      unless [2, 3].include?(parts.size)
        raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD " \
                             'where FILENAME corresponds with an existing Ruby source file FILENAME.rb, CLASS is an ' \
                             'optional module/class namespace and METHOD is a callable method. ' \
                             'If using CLASS, METHOD must be a class-level method.'
      end
      @file, @method = parts.first, parts.last
      @owner = parts[1] if parts.size == 3
    end

    def load
      require @file
    end

    # The body of the response and its type.
    def call(event, context)
      target = @owner ? Kernel.const_get(@owner) : TOPLEVEL_BINDING.receiver
      result = target.send(@method, event: event, context: context)
      case result
      when StringIO, IO then [result.read, 'application/unknown']
      else [result.to_json, 'application/json']
      end
    end
  end

  # Handles events until the function can have no more.
  class Loop
    def initialize(address)
      @api = Api.new(address)
    end

    def run(name)
      task = ENV['LAMBDA_TASK_ROOT'] || Dir.pwd
      $LOAD_PATH.unshift(task) unless $LOAD_PATH.include?(task)
      handler = boot(name)
      while serve(handler); end
      exit(-1)
    end

    private

    def boot(name)
      handler = Handler.new(name)
      handler.load
      handler
    rescue Exception => e
      fault = Fault.new(e, 'Init')
      fault.log("Init error when loading handler #{name}")
      @api.call('POST', 'init/error', fault.json, fault.headers)
      exit!(-4)
    end

    def serve(handler)
      status, headers, body = @api.call('GET', 'invocation/next')
      return false unless status == 200

      id = headers['lambda-runtime-aws-request-id']
      ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id']
      begin
        answer, type = handler.call(JSON.parse(body), Context.new(headers))
      rescue NameError => e
        fault, last = Fault.new(e, 'Function'), true
      rescue StandardError => e
        fault = Fault.new(e, 'Function')
      rescue Exception => e
        fault, last = Fault.new(e, 'Function'), true
      end
      if fault
        fault.log(last ? 'Critical exception from handler' : 'Error raised from handler method')
        @api.call('POST', "invocation/#{id}/error", fault.json, fault.headers)
      else
        @api.call('POST', "invocation/#{id}/response", answer, 'Content-Type' => type)
      end
      !last
    end
  end
end

LambdaForm::Loop.new(ENV['AWS_LAMBDA_RUNTIME_API']).run(ENV['_HANDLER'])
