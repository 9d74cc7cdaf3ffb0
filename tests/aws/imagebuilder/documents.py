"""Small documents for Image Builder's resources."""

COMPONENT = """\
name: greet
schemaVersion: 1.0
parameters:
  - Whom: {type: string, default: world, description: who is greeted}
phases:
  - name: build
    steps:
      - name: Greet
        action: ExecuteBash
        inputs: {commands: ["echo hello {{ Whom }} > /etc/greeting"]}
"""

TEST = COMPONENT.replace("name: build", "name: test")

WORKFLOW = """\
name: build
schemaVersion: 1.0
steps:
  - name: LaunchBuildInstance
    action: LaunchInstance
    inputs: {waitFor: ssmAgent}
  - name: MakeImage
    action: CreateImage
    inputs:
      instanceId.$: $.stepOutputs.LaunchBuildInstance.instanceId
outputs:
  - name: ImageId
    value: $.stepOutputs.MakeImage.imageId
"""

POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["%s"]},'
    '"Action":["imagebuilder:GetComponent","imagebuilder:ListComponents"],"Resource":["*"]}]}'
)
